"""Ape-X DQN: DQN at scale, for environments that take their time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.trainers.base import Trainer
from models.trainers.search_space import Between, OneOf, Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class ApexDQN(Trainer):
    """Ape-X: DQN whose environments never wait for the learner, nor it for them (Horgan et al., 2018)."""

    learning_rate: float = 5e-4
    """Step size of Adam."""
    batch: int = 256
    """Transitions in one gradient."""
    replay_ratio: float = 8.0
    """How often each environment step is learnt from, at most."""
    replay_capacity: int = 100_000
    """Environment steps remembered by all shards together."""
    replay_shards: int = 1
    """Processes that they are remembered in. More than one pays from about 5,000 steps a second on."""
    priority_alpha: float = 0.6
    """How much surprise counts in what is replayed; 0 replays all steps alike."""
    priority_beta: float = 0.4
    """How far the learner's step is shortened to make up for that; 1 in full."""
    warm_up_steps: int = 1_000
    """Environment steps remembered before learning starts."""
    fragment: int = 8
    """Steps that each environment plays between two reports to the learner."""
    iteration_steps: int = 1_000
    """Environment steps between two reports."""
    discount: float = 0.99
    """How much a reward loses a step later."""
    n_step: int = 5
    """Rewards that are added up before the network's own estimate takes over."""
    target_update_updates: int = 50
    """Gradients between two copies of the network into its target."""
    broadcast_updates: int = 16
    """Gradients between two versions of the network that the environments are played with."""
    epsilon_base: float = 0.4
    """Share of random actions of the environment that explores most."""
    epsilon_alpha: float = 7.0
    """The environment that explores least does so with epsilon_base to the power of 1 + epsilon_alpha."""
    gradient_norm: float = 10.0
    """Gradients longer than this are shortened to it."""

    kind: ClassVar[str] = "q"
    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "batch": OneOf((64, 128, 256, 512)),
        "replay_ratio": OneOf((2.0, 4.0, 8.0, 16.0)),
        "n_step": OneOf((1, 3, 5, 8)),
        "target_update_updates": OneOf((25, 50, 100, 250)),
        "priority_alpha": OneOf((0.0, 0.4, 0.6)),
        "epsilon_base": OneOf((0.2, 0.4, 0.6)),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from models.apex_dqn import ApexDQNConfig

        configured: AlgorithmConfig = (
            ApexDQNConfig()
            .training(
                lr=self.learning_rate,
                train_batch_size_per_learner=self.batch,
                training_intensity=self.replay_ratio,
                replay_buffer_config={
                    "capacity": self.replay_capacity,
                    "alpha": self.priority_alpha,
                    "beta": self.priority_beta,
                },
                num_replay_shards=self.replay_shards,
                batches_per_sample=4,
                num_steps_sampled_before_learning_starts=self.warm_up_steps,
                target_update_interval=self.target_update_updates,
                broadcast_interval=self.broadcast_updates,
                epsilon_base=self.epsilon_base,
                epsilon_alpha=self.epsilon_alpha,
                gamma=self.discount,
                n_step=self.n_step,
                double_q=True,
                td_error_loss_fn="huber",
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
