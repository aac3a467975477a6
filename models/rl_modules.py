"""Our networks as RLlib sees them: masked when acting, when exploring and when learning."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_PREDS
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from models.encoders.config import EncoderConfig, InputSizes
from models.networks import PolicyNetwork, QNetwork

Batch = dict[str, Any]


def _sizes(module: TorchRLModule) -> InputSizes:
    space: Any = module.observation_space
    return InputSizes(*space["tokens"].shape, *space["globals"].shape, *space["action_mask"].shape)


def _encoder(module: TorchRLModule) -> EncoderConfig:
    settings: Any = module.model_config
    return EncoderConfig(**settings["encoder"])


class MaskedActorCritic(TorchRLModule, ValueFunctionAPI):
    """The module of PPO and its relatives. `model_config["encoder"]` holds the fields of EncoderConfig."""

    def setup(self) -> None:
        self.network = PolicyNetwork(_sizes(self), _encoder(self))

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(batch[Columns.OBS])}

    def compute_values(self, batch: Batch, embeddings: Any = None) -> Tensor:
        return self.network.value(batch[Columns.OBS])


class MaskedQ(DefaultDQNTorchRLModule):
    """The module of DQN and its relatives; the losses, the target updates and double Q-learning are RLlib's.

    RLlib's own draws exploring actions from whatever has a non-zero value, legal or not, and tracks gradients while
    acting. Both are replaced here.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # RLlib's catalogue builds networks for flat observations only and would refuse ours.
        kwargs.pop("catalog_class", None)
        TorchRLModule.__init__(self, *args, **kwargs)

    model_config: Any  # a dict here; RLlib allows other kinds too
    network: QNetwork
    _target_network: Any  # made by the learner; environment runners have none

    def setup(self) -> None:
        self.uses_dueling = True
        self.uses_double_q = self.model_config["double_q"]
        self.num_atoms = 1
        self.epsilon_schedule = Scheduler(
            fixed_value_or_schedule=self.model_config["epsilon"], framework=self.framework
        )
        self.network = QNetwork(_sizes(self), _encoder(self))

    def make_target_networks(self) -> None:
        self._target_network = make_target_network(self.network)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        return [(self.network, self._target_network)]

    def get_non_inference_attributes(self) -> list[str]:
        return ["_target_network"]

    def get_initial_state(self) -> dict[str, Any]:
        return {}

    def compute_q_values(self, batch: Batch) -> Batch:
        return {QF_PREDS: self.network.scores(batch[Columns.OBS])}

    def forward_target(self, batch: Batch) -> Batch:
        return {QF_PREDS: self._target_network.scores(batch[Columns.OBS])}

    @torch.no_grad()
    def _forward_inference(self, batch: Batch, **kwargs: Any) -> Batch:
        return {Columns.ACTIONS: self.network.scores(batch[Columns.OBS]).argmax(-1)}

    @torch.no_grad()
    def _forward_exploration(self, batch: Batch, t: int = 0, **kwargs: Any) -> Batch:
        """Epsilon-greedy: with probability epsilon, any legal action. `t` counts environment steps."""
        greedy = self._forward_inference(batch)[Columns.ACTIONS]
        legal = (batch[Columns.OBS]["action_mask"] > 0).float()
        # After an episode's last step nothing may be legal; the action is never played, but it has to be drawn.
        legal[legal.sum(-1) == 0] = 1.0
        drawn = torch.multinomial(legal, 1).squeeze(-1)
        self.epsilon_schedule.update(t)
        epsilon = float(self.epsilon_schedule.get_current_value())
        explore = torch.rand(len(greedy), device=greedy.device) < epsilon
        return {Columns.ACTIONS: torch.where(explore, drawn, greedy)}
