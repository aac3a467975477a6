"""Self-improvement: imitate the best of many episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.trainers.base import Trainer
from models.trainers.search_space import Between, OneOf, Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class SelfImprovement(Trainer):
    """Plays each benchmark many times and learns what the best episode did (Pirnay and Grimm, 2024).

    For problems where many episodes take little more time than one, such as the streaming engine. Environment steps
    are those of the best episodes alone.
    """

    episodes: int = 64
    """Sampled of each benchmark, the best of which is learnt from."""
    batch: int = 256
    """Steps in one gradient."""
    replay_ratio: float = 10.0
    """How often each step is learnt from."""
    replay_capacity: int = 5_000
    """Steps remembered."""
    warm_up_steps: int = 500
    """Steps remembered before learning starts."""
    fragment: int = 8
    """Steps that each environment plays between two rounds of learning."""
    iteration_steps: int = 1_000
    """Environment steps between two reports."""
    gradient_norm: float = 0.5
    """Gradients longer than this are shortened to it."""
    value_weight: float = 0.5
    """How much the critic's loss counts beside the actor's."""
    averaged_over: float = 500.0
    """Updates over which the weights are averaged for the network that plays."""

    kind: ClassVar[str] = "actor_critic"
    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "episodes": OneOf((16, 32, 64, 128)),
        "batch": OneOf((128, 256, 512)),
        "replay_ratio": OneOf((3.0, 10.0, 20.0)),
        "replay_capacity": OneOf((2_500, 5_000, 10_000)),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from models.self_improvement.algorithm import SelfImprovementConfig
        from models.self_improvement.learner import ImitationLearner
        from models.self_improvement.runner import BestOfRunner

        config: Any = SelfImprovementConfig()
        configured: AlgorithmConfig = (
            config.training(
                lr=self.learning_rate,
                learner_class=ImitationLearner,
                train_batch_size_per_learner=self.batch,
                training_intensity=self.replay_ratio,
                replay_buffer_config={
                    "type": "EpisodeReplayBuffer",
                    "no_local_replay_buffer": True,
                    "capacity": self.replay_capacity,
                },
                num_steps_sampled_before_learning_starts=self.warm_up_steps,
                grad_clip=self.gradient_norm,
                grad_clip_by="global_norm",
                episodes_together=self.episodes,
                value_weight=self.value_weight,
                averaged_over=self.averaged_over,
            )
            .env_runners(env_runner_cls=BestOfRunner, rollout_fragment_length=self.fragment)
            .reporting(min_sample_timesteps_per_iteration=self.iteration_steps)
        )
        return configured

    def module_class(self) -> type[RLModule]:
        from models.self_improvement.module import AveragedActorCritic

        return AveragedActorCritic
