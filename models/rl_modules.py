"""Our networks as RLlib sees them: masked when acting, when exploring and when learning."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_PREDS
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import TARGET_NETWORK_ACTION_DIST_INPUTS, TargetNetworkAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from models.encoders.config import EncoderConfig, InputSizes
from models.exploration import Batch, EpsilonGreedyQ
from models.networks import PolicyNetwork, QNetwork


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


class MaskedActorCriticWithTarget(MaskedActorCritic, TargetNetworkAPI):
    """The module of APPO, which takes steps away from a copy of its policy and renews the copy once in a while."""

    network: PolicyNetwork
    _target_network: Any  # made by the learner; environment runners have none

    def make_target_networks(self) -> None:
        self._target_network = make_target_network(self.network)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        return [(self.network, self._target_network)]

    def get_non_inference_attributes(self) -> list[str]:
        return ["_target_network"]

    def forward_target(self, batch: Batch) -> Batch:
        return {TARGET_NETWORK_ACTION_DIST_INPUTS: self._target_network.logits(batch[Columns.OBS])}


class MaskedQ(EpsilonGreedyQ):
    """The module of DQN and its relatives: our network, which never prefers or explores an illegal action."""

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

    def legal_actions(self, batch: Batch, values: Tensor) -> Tensor:
        legal: Tensor = (batch[Columns.OBS]["action_mask"] > 0).float()
        # After an episode's last step nothing may be legal; the action is never played, but it has to be drawn.
        legal[legal.sum(-1) == 0] = 1.0
        return legal
