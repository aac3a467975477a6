"""RLlib's configuration of Ape-X DQN: DQN's, and what is distributed."""

from __future__ import annotations

from typing import Any, Self

from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.core.learner.learner import Learner
from ray.rllib.core.rl_module.rl_module import RLModuleSpec


class ApexDQNConfig(DQNConfig):
    """Works like every RLlib configuration: `ApexDQNConfig().environment("CartPole-v1").build_algo()`.

    With `num_env_runners=0` everything runs in this process, one thing after the other and the same every time;
    `num_replay_shards` and `prefetched_samples` have no meaning then.

    Of DQN's settings, `epsilon` acts in evaluation only, `target_network_update_freq` gives way to
    `target_update_interval`, and `training_intensity` is an upper bound, on average and not for each step.
    """

    replay_buffer_config: Any
    env_runner_cls: Any
    training_intensity: Any

    def __init__(self, algo_class: type | None = None) -> None:
        from models.apex_dqn.algorithm import ApexDQN
        from models.apex_dqn.env_runner import ApexEnvRunner

        super().__init__(algo_class=algo_class or ApexDQN)  # type: ignore[no-untyped-call]
        self.epsilon_base = 0.4
        self.epsilon_alpha = 7.0
        self.num_replay_shards = 2
        self.batches_per_sample = 8
        self.prefetched_samples = 2
        self.broadcast_interval = 25
        self.target_update_interval = 250
        self.no_progress_timeout_s = 300.0

        self.n_step = 3
        self.training_intensity = 8.0
        self.train_batch_size = 64
        self.replay_buffer_config = {
            # The word that RLlib looks for to accept a replay on its new API stack.
            "type": "EpisodeReplayBuffer",
            "no_local_replay_buffer": True,
            "capacity": 100_000,
            "alpha": 0.6,
            "beta": 0.4,
        }
        self.env_runner_cls = ApexEnvRunner
        self.rollout_fragment_length = 25
        self.max_requests_in_flight_per_env_runner = 2
        self.restart_failed_env_runners = True
        self.delay_between_env_runner_restarts_s = 1.0
        # Weights go with the requests to play; there is nothing else to synchronise.
        self._dont_auto_sync_env_runner_states = True

    def training(  # type: ignore[override]
        self,
        *,
        epsilon_base: float | None = None,
        epsilon_alpha: float | None = None,
        num_replay_shards: int | None = None,
        batches_per_sample: int | None = None,
        prefetched_samples: int | None = None,
        broadcast_interval: int | None = None,
        target_update_interval: int | None = None,
        no_progress_timeout_s: float | None = None,
        **kwargs: Any,
    ) -> Self:
        """Those of DQNConfig, and these; None leaves them as they are.

        Args:
            epsilon_base: Share of random actions of the first environment.
            epsilon_alpha: Environment i of N explores with epsilon_base^(1 + epsilon_alpha i / (N - 1)).
            num_replay_shards: Processes that the replayed transitions are spread over.
            batches_per_sample: Batches that a shard hands out at once, and the learner learns from in one go.
            prefetched_samples: Samples requested ahead of the learner.
            broadcast_interval: Updates between two versions of the weights for the environment runners.
            target_update_interval: Updates between two copies of the network into its target.
            no_progress_timeout_s: Longest time without environment steps and updates before training fails.
        """
        super().training(**kwargs)
        for name, value in {
            "epsilon_base": epsilon_base,
            "epsilon_alpha": epsilon_alpha,
            "num_replay_shards": num_replay_shards,
            "batches_per_sample": batches_per_sample,
            "prefetched_samples": prefetched_samples,
            "broadcast_interval": broadcast_interval,
            "target_update_interval": target_update_interval,
            "no_progress_timeout_s": no_progress_timeout_s,
        }.items():
            if value is not None:
                setattr(self, name, value)
        return self

    def validate(self) -> None:
        if not isinstance(self.n_step, int):
            self._value_error(f"n_step is {self.n_step!r}; Ape-X needs one whole number")
        super().validate()  # type: ignore[no-untyped-call]
        for name in (
            "num_replay_shards",
            "batches_per_sample",
            "prefetched_samples",
            "broadcast_interval",
            "target_update_interval",
        ):
            if getattr(self, name) < 1:
                self._value_error(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.num_atoms != 1:
            self._value_error(f"num_atoms is {self.num_atoms}; Ape-X here learns expected values only, num_atoms=1")
        if self.grad_clip is not None and self.grad_clip_by != "global_norm":
            self._value_error(f"grad_clip_by is {self.grad_clip_by!r}; Ape-X here knows 'global_norm' only")
        if self.is_multi_agent:
            self._value_error("Ape-X here is for one agent; use one environment per agent")
        if not 0 < self.epsilon_base <= 1 or self.epsilon_alpha < 0:
            self._value_error(
                f"epsilon_base is {self.epsilon_base} and epsilon_alpha {self.epsilon_alpha}; "
                "the one must lie in (0, 1], the other must not be negative"
            )
        if self.training_intensity is not None and self.training_intensity <= 0:
            self._value_error(f"training_intensity is {self.training_intensity}; give a positive number, or None")
        if self.replay_buffer_config["capacity"] < self.num_steps_sampled_before_learning_starts:
            self._value_error(
                f"the replay's capacity {self.replay_buffer_config['capacity']} is below "
                f"num_steps_sampled_before_learning_starts={self.num_steps_sampled_before_learning_starts}, "
                "so learning would never start"
            )

    @property
    def shards(self) -> int:
        """Replays in use: one, in this process, without environment runners of their own."""
        return self.num_replay_shards if self.num_env_runners else 1

    @property
    def rows_per_sample(self) -> int:
        """Transitions that one learner gets at once."""
        size: int = self.train_batch_size_per_learner
        return size * self.batches_per_sample

    def get_default_rl_module_spec(self) -> RLModuleSpec:
        from models.exploration import EpsilonGreedyQ

        return RLModuleSpec(module_class=EpsilonGreedyQ, model_config=self.model_config)

    def get_default_learner_class(self) -> type[Learner]:
        from models.apex_dqn.learner import ApexLearner

        return ApexLearner
