"""Recurrent DQN: whole episodes are remembered, and the network is unrolled over them from their start."""

from __future__ import annotations

from typing import Any

from models.replay.dqn import ReplayDQN
from models.replay.episodes import EpisodeCollector, EpisodeReplay


class RecurrentReplayDQN(ReplayDQN):
    """R2D2 (Kapturowski et al., 2019) for short episodes.

    The paper replays stretches of 80 steps out of long episodes, and so has to store the states that they begin in,
    or to run up to them ("burn-in", section 3). Here an episode is replayed whole, from its start, where the state is
    zero; nothing stale is left to correct. Episodes are drawn alike and not by priority, playing and learning take
    turns, the network sees neither the last action nor the last reward, and values are not rescaled.

    `train_batch_size_per_learner` counts episodes; the replay's capacity and what precedes learning count steps.
    """

    def make_memory(self) -> tuple[Any, Any]:
        config = self.config
        memory = EpisodeReplay(config.replay_buffer_config["capacity"], config.seed or 0)
        return EpisodeCollector(config.n_step, config.gamma), memory
