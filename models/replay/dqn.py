"""RLlib's DQN with our replay and our loss; its environment runners are used as they are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from ray.rllib.algorithms.dqn import DQN
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.execution.rollout_ops import synchronous_parallel_sample
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

from models.replay.buffer import ReplayBuffer
from models.replay.transitions import EpisodeAssembler

REPLAY = "replay/"
"""What the names of the memory's arrays in a checkpoint begin with."""
PATIENCE_SECONDS = 60.0
"""How long all environment runners may be silent at once. A runner that died is back within ten seconds."""


class ReplayDQN(DQN):
    """Plays a fragment, then learns from memory until every played step was drawn `training_intensity` times.

    Learning waits until the memory holds `num_steps_sampled_before_learning_starts` steps; after a restart too, unless
    the checkpoint has the memory in it.
    """

    # RLlib declares these as they are before `setup`, when they are still None.
    config: Any
    metrics: Any
    env_runner_group: Any
    learner_group: Any
    keeps_replay = False
    """Whether `training_state` has the memory in it; the training session sets it."""

    def setup(self, config: Any) -> None:
        super().setup(config)
        self._collect, self._replay = self.make_memory()
        self._updates_due = 0.0
        self._last_heard = time.monotonic()

    def make_memory(self) -> tuple[Any, Any]:
        """What turns fragments of episodes into what is remembered, and the memory of that."""
        config = self.config
        memory = ReplayBuffer(config.replay_buffer_config["capacity"], config.seed or 0)
        return EpisodeAssembler(config.n_step, config.gamma), memory

    def training_step(self) -> None:
        config = self.config
        episodes: list[SingleAgentEpisode]
        episodes, reports = synchronous_parallel_sample(  # type: ignore[assignment,misc]  # declared for all its uses
            worker_set=self.env_runner_group,
            concat=True,
            sample_timeout_s=config.sample_timeout_s,
            _uses_new_env_runners=True,
            _return_metrics=True,
        )
        if not episodes:
            # RLlib repeats this method until enough was played, which without runners would be for ever.
            silence = time.monotonic() - self._last_heard
            if silence > PATIENCE_SECONDS:
                raise RuntimeError(f"no environment runner has played anything for {silence:.0f} s")
            return
        self._last_heard = time.monotonic()
        self.metrics.aggregate(reports, key=ENV_RUNNER_RESULTS)
        if collected := self._collect(episodes):
            self._replay.add(collected)
        if self._replay.size < config.num_steps_sampled_before_learning_starts:
            return
        played = sum(len(episode) for episode in episodes)
        steps_drawn = config.total_train_batch_size * self._replay.steps_per_row
        self._updates_due += played * config.training_intensity / steps_drawn
        steps = self.metrics.peek((ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME))
        while self._updates_due >= 1:
            self._updates_due -= 1
            self._update(int(steps))
        self.env_runner_group.sync_weights(from_worker_or_learner_group=self.learner_group, inference_only=True)

    def _update(self, env_steps: int) -> None:
        columns = self._replay.sample(self.config.total_train_batch_size)
        samples: Any = SampleBatch(columns)  # type: ignore[no-untyped-call]
        batch = MultiAgentBatch({DEFAULT_MODULE_ID: samples}, env_steps=len(columns["actions"]))
        results = self.learner_group.update(batch=batch, timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: env_steps})
        self.metrics.aggregate(results, key=LEARNER_RESULTS)

    def training_state(self) -> dict[str, np.ndarray | float]:
        """What a checkpoint should hold beside the learner: with `keeps_replay`, the memory and the updates it owes."""
        if not self.keeps_replay:
            return {}
        memory = {REPLAY + name: array for name, array in self._replay.state().items()}
        return {"updates_due": self._updates_due, **memory}

    def set_training_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `training_state` returned."""
        if "updates_due" in state:
            self._updates_due = float(state["updates_due"])
            memory = {name.removeprefix(REPLAY): array for name, array in state.items() if name.startswith(REPLAY)}
            self._replay.set_state(memory)
