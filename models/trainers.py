"""The trainers by name, each with settings that suit short episodes whose rewards are never negative."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rllib_envs.errors import UserError
from rllib_envs.names import choose

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class Trainer(ABC):
    """A learning algorithm with its settings as fields. A new one is such a class and its line in `TRAINERS`."""

    kind: ClassVar[str]
    """The kind of policy that it trains: "actor_critic" or "q"."""

    learning_rate: float = 1e-3
    """Step size of Adam."""

    @abstractmethod
    def algorithm_config(self) -> AlgorithmConfig:
        """RLlib's configuration with these settings."""

    @abstractmethod
    def module_class(self) -> type[RLModule]:
        """The RLlib module that holds its network."""


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

    kind: ClassVar[str] = "actor_critic"

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.ppo import PPOConfig

        from models.ppo_learner import PlayedStepsPPOLearner

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
            vf_loss_coeff=0.5,
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

    def algorithm_config(self) -> AlgorithmConfig:
        from ray.rllib.algorithms.dqn import DQNConfig

        from models.q_learner import QLearner
        from models.replay.dqn import ReplayDQN

        config: Any = DQNConfig(algo_class=ReplayDQN)  # type: ignore[no-untyped-call]
        configured: AlgorithmConfig = (
            config.training(
                learner_class=QLearner,
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


TRAINERS: Mapping[str, type[Trainer]] = {"apex_dqn": ApexDQN, "dqn": DQN, "ppo": PPO}

ALIASES: Mapping[str, str] = {
    "apex_dqn.ApexDQN": "apex_dqn",
    "apex_dqn.ApexTrainer": "apex_dqn",
    "dqn.ApexTrainer": "apex_dqn",
    "dqn.DQN": "dqn",
    "dqn.DQNTrainer": "dqn",
    "ppo.PPO": "ppo",
    "ppo.PPOTrainer": "ppo",
}
"""RLlib's spellings, old and new, that people's scripts use."""


def trainer_name(name: str) -> str:
    """The registered name behind any accepted spelling; UserError suggests the nearest for any other."""
    return ALIASES.get(name) or ALIASES.get(choose(name, [*TRAINERS, *ALIASES], "trainer"), name)


def make_trainer(name: str, changes: Mapping[str, Any] | None = None) -> Trainer:
    """A trainer with its defaults, except for the fields named in `changes`.

    Raises UserError for an unknown trainer or field, and for a value of another type than the default's.
    """
    trainer = TRAINERS[trainer_name(name)]()
    known = {field.name: getattr(trainer, field.name) for field in fields(trainer)}
    values: dict[str, Any] = {}
    for field_name, value in (changes or {}).items():
        default = known[choose(field_name, known, f"setting of trainer {name!r}")]
        if isinstance(value, bool) or not isinstance(value, int if isinstance(default, int) else (int, float)):
            kind = "a whole number" if isinstance(default, int) else "a number"
            raise UserError(f"{field_name}={value!r} for trainer {name!r}; give {kind}, such as {default}")
        values[field_name] = type(default)(value)
    return replace(trainer, **values)
