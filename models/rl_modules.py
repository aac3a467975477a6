"""Our networks as RLlib sees them: masked when acting, when exploring and when learning."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, cast

import numpy as np
import torch
from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_NEXT_PREDS, QF_PREDS, QF_TARGET_NEXT_PREDS
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import TARGET_NETWORK_ACTION_DIST_INPUTS, TargetNetworkAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from models.encoders.config import EncoderConfig, InputSizes
from models.exploration import Batch, EpsilonGreedyQ
from models.networks import PolicyNetwork, QNetwork, RecurrentQNetwork
from models.replay.transitions import N_STEP
from rllib_envs.problem import ObservationSpec

MEMORY = "memory"
"""What a recurrent module calls its state."""


def module_config(spec: ObservationSpec, encoder: EncoderConfig) -> dict[str, Any]:
    """What a module needs to know beside its spaces, as plain data."""
    return {"encoder": asdict(encoder), "points": bool(spec.points), "links": spec.links}


def _sizes(module: TorchRLModule) -> InputSizes:
    space, settings = cast(Any, module.observation_space), cast(Any, module.model_config)
    (tokens, features), (globals_,), (actions,) = (space[name].shape for name in ("tokens", "globals", "action_mask"))
    return InputSizes(tokens, features, globals_, actions, settings["points"], settings["links"])


def _encoder(module: TorchRLModule) -> EncoderConfig:
    settings: Any = module.model_config
    return EncoderConfig(**settings["encoder"])


class MaskedActorCritic(TorchRLModule, ValueFunctionAPI):
    """The module of PPO and its relatives. `model_config` is what `module_config` gives."""

    def setup(self) -> None:
        self.network = PolicyNetwork(_sizes(self), _encoder(self))

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        return {Columns.ACTION_DIST_INPUTS: self.network.logits(batch[Columns.OBS])}

    def compute_values(self, batch: Batch, embeddings: Any = None) -> Tensor:
        return self.network.value(batch[Columns.OBS])


class WithTarget:
    """A module's copy of its network, which its learner makes and renews; environment runners have none."""

    network: Any
    _target_network: Any

    def make_target_networks(self) -> None:
        self._target_network = make_target_network(self.network)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        return [(self.network, self._target_network)]

    def get_non_inference_attributes(self) -> list[str]:
        return ["_target_network"]


class MaskedActorCriticWithTarget(WithTarget, MaskedActorCritic, TargetNetworkAPI):
    """The module of APPO, which takes steps away from a copy of its policy and renews the copy once in a while."""

    def forward_target(self, batch: Batch) -> Batch:
        return {TARGET_NETWORK_ACTION_DIST_INPUTS: self._target_network.logits(batch[Columns.OBS])}


class MaskedQ(WithTarget, EpsilonGreedyQ):
    """The module of DQN and its relatives: our network, which never prefers or explores an illegal action."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # RLlib's catalogue builds networks for flat observations only and would refuse ours.
        kwargs.pop("catalog_class", None)
        TorchRLModule.__init__(self, *args, **kwargs)

    model_config: Any  # a dict here; RLlib allows other kinds too
    network_class: ClassVar[type[QNetwork] | type[RecurrentQNetwork]] = QNetwork

    def setup(self) -> None:
        self.uses_dueling = True
        self.uses_double_q = self.model_config["double_q"]
        self.num_atoms = 1
        self.epsilon_schedule = Scheduler(
            fixed_value_or_schedule=self.model_config["epsilon"], framework=self.framework
        )
        self.network = self.network_class(_sizes(self), _encoder(self))

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


class MaskedRecurrentQ(MaskedQ):
    """The module of R2D2. It acts step by step with a state, and learns from whole episodes without one."""

    network_class = RecurrentQNetwork

    def get_initial_state(self) -> dict[str, Any]:
        return {MEMORY: np.zeros(_encoder(self).width, np.float32)}

    def compute_q_values(self, batch: Batch) -> Batch:
        """Of one observation each, in the states STATE_IN, or at an episode's start where there is none."""
        values, state = self.network.step(batch[Columns.OBS], batch.get(Columns.STATE_IN, {}).get(MEMORY))
        return {QF_PREDS: values, Columns.STATE_OUT: {MEMORY: state}}

    def forward_target(self, batch: Batch) -> Batch:
        return {QF_PREDS: self._target_network.step(batch[Columns.OBS])[0]}

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        """[batch, time, actions]: values of the T states of each episode that were acted in, with a gradient, and of
        those `n_step` steps later from both networks. The observations are T + 1, from the episode's first on."""
        values, _ = self.network.unroll(batch[Columns.OBS])
        with torch.no_grad():
            target_values, _ = self._target_network.unroll(batch[Columns.OBS])
        steps: Tensor = batch[N_STEP].long()
        later = (torch.arange(steps.shape[1], device=steps.device) + steps).unsqueeze(-1).expand_as(values[:, 1:])
        return {
            QF_PREDS: values[:, :-1],
            QF_NEXT_PREDS: values.detach().gather(1, later),
            QF_TARGET_NEXT_PREDS: target_values.gather(1, later),
        }
