"""DQN: learn action values from remembered experience."""

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
class DQN(Trainer):
    """Double, dueling deep Q-learning from replayed experience (Mnih et al., 2015; Wang et al., 2016)."""

    learning_rate: float = 5e-4
    """Step size of Adam."""
    batch: int = 256
    """Transitions in one gradient."""
    replay_ratio: float = 8.0
    """How often each environment step is learnt from."""
    replay_capacity: int = 50_000
    """Environment steps remembered."""
    warm_up_steps: int = 1_000
    """Environment steps remembered before learning starts."""
    fragment: int = 8
    """Steps that each environment plays between two rounds of learning."""
    iteration_steps: int = 1_000
    """Environment steps between two reports."""
    discount: float = 0.99
    """How much a reward loses a step later."""
    n_step: int = 5
    """Rewards that are added up before the network's own estimate takes over."""
    target_update_steps: int = 500
    """Environment steps between two copies of the network into its target."""
    epsilon_end: float = 0.05
    """Share of random actions from `epsilon_steps` on; at first all are random."""
    epsilon_steps: int = 10_000
    """Environment steps over which the share falls."""
    gradient_norm: float = 10.0
    """Gradients longer than this are shortened to it."""

    kind: ClassVar[str] = "q"
    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "batch": OneOf((64, 128, 256, 512)),
        "replay_ratio": OneOf((2.0, 4.0, 8.0, 16.0)),
        "n_step": OneOf((1, 3, 5, 8)),
        "target_update_steps": OneOf((250, 500, 1_000, 2_000)),
        "epsilon_steps": OneOf((5_000, 10_000, 20_000)),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.dqn import DQNConfig

        from models.replay.dqn import ReplayDQN

        return self.configured(DQNConfig(algo_class=ReplayDQN))  # type: ignore[no-untyped-call]

    def configured(self, config: Any) -> AlgorithmConfig:
        """What DQN and its relatives have in common."""
        configured: AlgorithmConfig = (
            config.training(
                lr=self.learning_rate,
                train_batch_size_per_learner=self.batch,
                training_intensity=self.replay_ratio,
                replay_buffer_config={
                    "type": "EpisodeReplayBuffer",
                    "no_local_replay_buffer": True,
                    "capacity": self.replay_capacity,
                },
                num_steps_sampled_before_learning_starts=self.warm_up_steps,
                target_network_update_freq=self.target_update_steps,
                gamma=self.discount,
                n_step=self.n_step,
                double_q=True,
                dueling=True,
                num_atoms=1,
                td_error_loss_fn="huber",
                epsilon=[[0, 1.0], [self.epsilon_steps, self.epsilon_end]],
                grad_clip=self.gradient_norm,
                grad_clip_by="global_norm",
            )
            .env_runners(rollout_fragment_length=max(self.fragment, self.n_step))
            .reporting(min_sample_timesteps_per_iteration=self.iteration_steps)
        )
        return configured

    def module_class(self) -> type[RLModule]:
        from models.rl_modules import MaskedQ

        return MaskedQ
