"""R2D2: DQN with a memory of the episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.trainers.dqn import DQN
from models.trainers.search_space import OneOf, Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class R2D2(DQN):
    """Recurrent DQN (Kapturowski et al., 2019), for problems that don't show all that matters at every step."""

    learning_rate: float = 1e-3
    """Step size of Adam."""
    batch: int = 32
    """Episodes in one gradient."""

    kind: ClassVar[str] = "recurrent_q"
    search_space: ClassVar[Mapping[str, Range]] = {
        **DQN.search_space,
        "batch": OneOf((8, 16, 32, 64)),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.dqn import DQNConfig

        from models.q_learner import RecurrentQLearner
        from models.replay.r2d2 import RecurrentReplayDQN

        config: Any = DQNConfig(algo_class=RecurrentReplayDQN)  # type: ignore[no-untyped-call]
        return self.configured(config.training(learner_class=RecurrentQLearner))

    def module_class(self) -> type[RLModule]:
        from models.rl_modules import MaskedRecurrentQ

        return MaskedRecurrentQ
