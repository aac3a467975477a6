"""The networks. The same classes train inside RLlib and decide without it, so weights move over unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.encoders.build import build_encoder
from models.encoders.config import EncoderConfig, InputSizes
from models.heads import action_head, action_scores, head, preferences, recurrent_action_head, recurrent_unit
from rllib_envs.names import choose

MASKED = torch.finfo(torch.float32).min
"""The score of an illegal action. Finite, because the difference of two infinities, as in a KL divergence, is NaN."""
PREFERENCE_VALUE = 0.02
"""What a Q-network takes a problem's own preference to be worth at first, in units of return for a logit: by as much
as its values are sampled with, see `player`."""


def mask_scores(scores: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """`scores` [batch, actions] with illegal actions at `MASKED`."""
    return scores.masked_fill(inputs["action_mask"] < 1, MASKED)


class Memoryless(nn.Module):
    """A network whose answer depends on the present observation alone."""

    scores: Any

    def step(self, inputs: Mapping[str, Tensor], state: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """As `RecurrentQNetwork.step`, without a state."""
        return self.scores(inputs), None


class PolicyNetwork(Memoryless):
    """Actor and critic on encoders of their own: log-probabilities of actions, and the return still to come.

    The two don't share an encoder because the critic's gradient, large at first, would undo the actor's.
    """

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        self.actor_encoder, self.critic_encoder = build_encoder(sizes, config), build_encoder(sizes, config)
        self.actor = action_head(self.actor_encoder, sizes, gain=0.01, preference=1.0)
        self.critic = head(self.critic_encoder.out_features, 1, gain=0.1)

    def logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions], illegal actions at `MASKED`."""
        return mask_scores(action_scores(self.actor, self.actor_encoder(inputs), inputs), inputs)

    def value(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch]: expected return from here on, in units of the benchmark's scale."""
        value: Tensor = self.critic(self.critic_encoder(inputs).whole).squeeze(-1)
        return value

    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions]: log-probabilities."""
        return torch.log_softmax(self.logits(inputs), dim=-1)


def dueling(value: Tensor, advantage: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """Action values [batch, actions] from a state's value [batch, 1] and its actions' advantages [batch, actions]:
    Wang et al. (2016), equation 9, with the mean taken over legal actions only. Illegal ones are at `MASKED`."""
    legal = (inputs["action_mask"] > 0).to(advantage.dtype)
    mean = (advantage * legal).sum(-1, keepdim=True) / legal.sum(-1, keepdim=True).clamp(min=1)
    return mask_scores(value + advantage - mean, inputs)


class QNetwork(Memoryless):
    """Dueling action values (Wang et al., 2016) of the present observation."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = build_encoder(sizes, config)
        self.advantage = action_head(self.encoder, sizes, gain=0.1, preference=PREFERENCE_VALUE)
        self.state_value = head(self.encoder.out_features, 1, gain=0.1)

    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions]: expected return of each action, illegal actions at `MASKED`."""
        encoded = self.encoder(inputs)
        return dueling(self.state_value(encoded.whole), action_scores(self.advantage, encoded, inputs), inputs)


class RecurrentQNetwork(nn.Module):
    """Dueling action values of all observations of an episode so far (Hausknecht and Stone, 2015).

    A gated recurrent unit (Cho et al., 2014) as wide as the encoder follows on the encoder. Its state, float32
    [batch, width], is all that is remembered; it is zero, or None, before an episode's first observation.
    """

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = build_encoder(sizes, config)
        self.memory = recurrent_unit(self.encoder.out_features, config.width)
        self.advantage = recurrent_action_head(self.encoder, config.width, sizes, gain=0.1, preference=PREFERENCE_VALUE)
        self.state_value = head(config.width, 1, gain=0.1)

    def unroll(self, inputs: Mapping[str, Tensor], state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Expected returns, float32 [batch, time, actions], illegal actions at `MASKED`, and the state after that.

        `inputs` have a time axis behind the batch axis: consecutive observations, the first of which is met in `state`.
        """
        each = {name: array.flatten(0, 1) for name, array in inputs.items()}
        encoded, shape = self.encoder(each), inputs["action_mask"].shape[:2]
        remembered, last = self.memory(encoded.whole.unflatten(0, shape), None if state is None else state.unsqueeze(0))
        if encoded.entities is None:
            advantage = self.advantage(remembered)
        else:
            advantage = self.advantage(encoded.entities.unflatten(0, shape), preferences(inputs), remembered)
        return dueling(self.state_value(remembered), advantage, inputs), last.squeeze(0)

    def step(self, inputs: Mapping[str, Tensor], state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Expected returns, float32 [batch, actions], of one observation met in `state`, and the state after it."""
        scores, state = self.unroll({name: array.unsqueeze(1) for name, array in inputs.items()}, state)
        return scores.squeeze(1), state


Network = PolicyNetwork | QNetwork | RecurrentQNetwork
NETWORKS: Mapping[str, Callable[[InputSizes, EncoderConfig], Network]] = {
    "actor_critic": PolicyNetwork,
    "q": QNetwork,
    "recurrent_q": RecurrentQNetwork,
}


def build_network(kind: str, sizes: InputSizes, config: EncoderConfig) -> Network:
    """The network of a policy of this kind: "actor_critic", "q" or "recurrent_q"."""
    return NETWORKS[choose(kind, NETWORKS, "kind of network")](sizes, config)
