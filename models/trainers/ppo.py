"""PPO: learn from each batch of fresh experience a few times, then play a new one."""

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
class PPO(Trainer):
    """Proximal policy optimisation (Schulman et al., 2017)."""

    batch_steps: int = 1024
    """Environment steps in one iteration: about a hundred episodes."""
    minibatch: int = 256
    """Steps in one gradient."""
    epochs: int = 6
    """Passes over a batch."""
    discount: float = 0.99
    """How much a reward loses a step later; enough to prefer the shorter of two ways to the same gain."""
    gae_lambda: float = 0.95
    """Between one-step advantages (0) and whole returns (1)."""
    clip: float = 0.2
    """How far the ratio of new to old probability counts."""
    entropy_start: float = 0.01
    """Weight of the entropy bonus at first."""
    entropy_end: float = 0.001
    """Weight of the entropy bonus from `entropy_steps` on."""
    entropy_steps: int = 50_000
    """Environment steps over which the bonus falls."""
    gradient_norm: float = 0.5
    """Gradients longer than this are shortened to it."""
    value_weight: float = 0.5
    """How much the critic's loss counts beside the actor's."""
    beta1: float = 0.9
    """How long Adam remembers gradients,"""
    beta2: float = 0.999
    """and how long their squares."""

    kind: ClassVar[str] = "actor_critic"
    search_space: ClassVar[Mapping[str, Range]] = {
        "learning_rate": Between(1e-4, 3e-3),
        "batch_steps": OneOf((512, 1024, 2048)),
        "minibatch": OneOf((128, 256, 512)),
        "epochs": OneOf((3, 6, 10)),
        "gae_lambda": OneOf((0.9, 0.95, 1.0)),
        "entropy_start": Between(0.003, 0.1),
    }

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.ppo import PPOConfig

        from models.ppo_learner import BETAS, PlayedStepsPPOLearner

        config: Any = PPOConfig()  # type: ignore[no-untyped-call]
        configured: AlgorithmConfig = config.training(
            learner_class=PlayedStepsPPOLearner,
            lr=self.learning_rate,
            train_batch_size_per_learner=self.batch_steps,
            minibatch_size=min(self.minibatch, self.batch_steps),
            num_epochs=self.epochs,
            gamma=self.discount,
            lambda_=self.gae_lambda,
            clip_param=self.clip,
            vf_loss_coeff=self.value_weight,
            learner_config_dict={BETAS: (self.beta1, self.beta2)},
            entropy_coeff=[[0, self.entropy_start], [self.entropy_steps, self.entropy_end]],
            grad_clip=self.gradient_norm,
            grad_clip_by="global_norm",
            # The clipped ratio bounds the change already, and the penalty's weight would be lost on a restart.
            use_kl_loss=False,
        )
        return configured

    def module_class(self) -> type[RLModule]:
        from models.rl_modules import MaskedActorCritic

        return MaskedActorCritic
