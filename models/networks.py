"""The two networks. The same classes train inside RLlib and decide without it, so weights move over unchanged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.mlp import EntityMLP
from models.encoders.transformer import EntityTransformer
from rllib_envs.names import choose

MASKED = torch.finfo(torch.float32).min
"""The score of an illegal action. Finite, because the difference of two infinities, as in a KL divergence, is NaN."""

ENCODERS: Mapping[str, type[EntityMLP] | type[EntityTransformer]] = {"mlp": EntityMLP, "transformer": EntityTransformer}


def mask_scores(scores: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    """`scores` [batch, actions] with illegal actions at `MASKED`."""
    return scores.masked_fill(inputs["action_mask"] < 1, MASKED)


def _head(features: int, outputs: int, gain: float) -> nn.Linear:
    """A last layer that starts near zero, so that no action is preferred before anything was learned."""
    layer = nn.Linear(features, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


class PolicyNetwork(nn.Module):
    """Actor and critic on encoders of their own: log-probabilities of actions, and the return still to come.

    The two don't share an encoder because the critic's gradient, large at first, would undo the actor's.
    """

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        build = ENCODERS[config.kind]
        self.actor_encoder, self.critic_encoder = build(sizes, config), build(sizes, config)
        self.actor = _head(self.actor_encoder.out_features, sizes.actions, gain=0.01)
        self.critic = _head(self.critic_encoder.out_features, 1, gain=0.1)

    def logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions], illegal actions at `MASKED`."""
        return mask_scores(self.actor(self.actor_encoder(inputs)), inputs)

    def value(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch]: expected return from here on, in units of the benchmark's scale."""
        value: Tensor = self.critic(self.critic_encoder(inputs)).squeeze(-1)
        return value

    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions]: log-probabilities."""
        return torch.log_softmax(self.logits(inputs), dim=-1)


class QNetwork(nn.Module):
    """Dueling action values (Wang et al., 2016, equation 9), with the mean taken over legal actions only."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = ENCODERS[config.kind](sizes, config)
        self.advantage = _head(self.encoder.out_features, sizes.actions, gain=0.1)
        self.state_value = _head(self.encoder.out_features, 1, gain=0.1)

    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """float32 [batch, actions]: expected return of each action, illegal actions at `MASKED`."""
        features = self.encoder(inputs)
        advantage = self.advantage(features)
        legal = (inputs["action_mask"] > 0).to(advantage.dtype)
        mean = (advantage * legal).sum(-1, keepdim=True) / legal.sum(-1, keepdim=True).clamp(min=1)
        return mask_scores(self.state_value(features) + advantage - mean, inputs)


Network = PolicyNetwork | QNetwork
NETWORKS: Mapping[str, type[PolicyNetwork] | type[QNetwork]] = {"actor_critic": PolicyNetwork, "q": QNetwork}


def build_network(kind: str, sizes: InputSizes, config: EncoderConfig) -> Network:
    """The network of a policy of this kind: "actor_critic" or "q"."""
    return NETWORKS[choose(kind, NETWORKS, "kind of network")](sizes, config)
