"""APPO: IMPALA's runners with PPO's clipped steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.trainers.impala import IMPALA
from models.trainers.search_space import Between, OneOf, Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class APPO(IMPALA):
    """Asynchronous proximal policy optimisation, as "IMPACT" (Luo et al., 2020).

    Differs from the paper in that a batch is learnt from several times at once, not at random moments out of a
    buffer of several: data as fresh as this needs fewer corrections, and the same seed gives the same training.
    """

    clip: float = 0.2
    """How far the ratio of new to old probability counts."""
    target_update_batches: int = 1
    """Batches between two copies of the policy into the one that the ratios refer to."""

    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "batch_steps": OneOf((128, 256, 512)),
        "fragment": OneOf((8, 16, 32)),
        "epochs": OneOf((2, 4, 8)),
        "clip": OneOf((0.1, 0.2, 0.4)),
        "entropy_start": Between(0.01, 0.3),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.appo import APPOConfig

        from models.vtrace.algorithms import PatientAPPO
        from models.vtrace.learners import APPOLearner

        config: Any = APPOConfig(algo_class=PatientAPPO)  # type: ignore[no-untyped-call]
        return self.configured(
            config.training(
                learner_class=APPOLearner,
                clip_param=self.clip,
                # RLlib counts the steps between two copies in units of what its buffer of batches would hold.
                target_network_update_freq=self.target_update_batches,
                use_circular_buffer=False,
                circular_buffer_num_batches=1,
                circular_buffer_iterations_per_batch=self.epochs,
                use_kl_loss=False,
            )
        )

    def module_class(self) -> type[RLModule]:
        from models.rl_modules import MaskedActorCriticWithTarget

        return MaskedActorCriticWithTarget
