"""IMPALA: runners play without waiting for the learner, which corrects for the policy's age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.trainers.base import Trainer
from models.trainers.search_space import Between, OneOf, Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule

POLL_SECONDS = 0.02
"""How long the learner waits for fragments before it looks after the runners again."""


@dataclass(frozen=True)
class IMPALA(Trainer):
    """Importance-weighted actor-learner (Espeholt et al., 2018), for runners whose speeds differ.

    With env_runners=0 it plays and learns in turns, in this process.
    """

    learning_rate: float = 1e-3
    """Step size of Adam."""
    batch_steps: int = 256
    """Environment steps in one batch, at least; whole fragments of all environments of a runner."""
    epochs: int = 4
    """Gradients from each batch. From the second on V-trace corrects for those before, as for old experience."""
    fragment: int = 16
    """Steps that each environment plays between two looks for a newer policy."""
    iteration_steps: int = 1_000
    """Environment steps between two reports."""
    discount: float = 0.99
    """How much a reward loses a step later; enough to prefer the shorter of two ways to the same gain."""
    ratio_bound: float = 1.0
    """Most that an action counts which the present policy takes more often than the runner's did."""
    entropy_start: float = 0.1
    """Weight of the entropy bonus at first. With a tenth of it, as PPO has it, every third training on the toy settles
    within its first iterations for what seemed good then."""
    entropy_end: float = 0.01
    """Weight of the entropy bonus from `entropy_steps` on. With a tenth of it a policy of loop nests becomes so sure of
    itself that gradients vanish, and the first one that does not then ruins it."""
    entropy_steps: int = 50_000
    """Environment steps over which the bonus falls."""
    gradient_norm: float = 0.5
    """Gradients longer than this are shortened to it."""

    kind: ClassVar[str] = "actor_critic"
    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "batch_steps": OneOf((128, 256, 512)),
        "epochs": OneOf((1, 2, 4)),
        "fragment": OneOf((8, 16, 32)),
        "entropy_start": Between(0.01, 0.3),
        "gradient_norm": OneOf((0.5, 2.0, 10.0)),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.impala import IMPALAConfig

        from models.vtrace.algorithms import PatientIMPALA
        from models.vtrace.learners import IMPALALearner

        config: Any = IMPALAConfig(algo_class=PatientIMPALA)  # type: ignore[no-untyped-call]
        return self.configured(config.training(learner_class=IMPALALearner))

    def configured(self, config: Any) -> AlgorithmConfig:
        """What IMPALA and its relatives have in common."""
        configured: AlgorithmConfig = (
            config.training(
                lr=self.learning_rate,
                train_batch_size_per_learner=self.batch_steps,
                gamma=self.discount,
                vtrace_clip_rho_threshold=self.ratio_bound,
                vtrace_clip_pg_rho_threshold=self.ratio_bound,
                vf_loss_coeff=0.5,
                entropy_coeff=[[0, self.entropy_start], [self.entropy_steps, self.entropy_end]],
                num_epochs=self.epochs,
                grad_clip=self.gradient_norm,
                grad_clip_by="global_norm",
                # Runners may have new weights after every batch; they fetch them when they start a fragment.
                broadcast_interval=0,
                timeout_s_sampler_manager=POLL_SECONDS,
                num_gpu_loader_threads=0,
            )
            .env_runners(rollout_fragment_length=self.fragment)
            .reporting(min_time_s_per_iteration=0, min_sample_timesteps_per_iteration=self.iteration_steps)
        )
        return configured

    def module_class(self) -> type[RLModule]:
        from models.rl_modules import MaskedActorCritic

        return MaskedActorCritic
