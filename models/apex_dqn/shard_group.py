"""The driver's view of the replay shards: samples requested ahead of the learner, and shards that died."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import ray

from models.replay.shard import Drawn, ReplayShard

REST_AFTER_DEATH_SECONDS = 2.0
"""A shard that died is asked for nothing this long; starting again takes Ray about a second."""
REST_WHEN_EMPTY_SECONDS = 0.05
"""A shard that holds too little yet is asked again after this long."""


def make_shard(index: int, config: Any) -> tuple[Any, ...]:
    """The arguments of a shard of this configuration."""
    settings = config.replay_buffer_config
    seed = (config.seed or 0) + index
    return index, settings["capacity"] // config.shards, seed, settings["alpha"], settings["beta"]


class ShardGroup:
    """Ray starts a shard that died again, empty; meanwhile the others are used."""

    def __init__(self, config: Any) -> None:
        # A shard waits more than it works, and Ray would count whole processors.
        actor: Any = ray.remote(num_cpus=0, max_restarts=-1)(ReplayShard)
        self.actors = [actor.remote(*make_shard(index, config)) for index in range(config.shards)]
        # Runners fill the shards from their first step on, so let them be there.
        ray.get([shard.pid.remote() for shard in self.actors])
        self.lost_samples = 0
        """Samples that were requested from a shard that died."""
        self.drawn: dict[int, Drawn] = {}
        """What was last heard of each shard."""
        self._rows = config.rows_per_sample
        self._least = config.num_steps_sampled_before_learning_starts // config.shards
        self._ahead = config.prefetched_samples * max(config.num_learners, 1)
        self._pending: dict[Any, tuple[int, Any]] = {}
        self._ready: deque[Any] = deque()
        self._resting_until = [0.0] * len(self.actors)
        self._next = 0

    @property
    def prefetched(self) -> int:
        """Samples that are here, or on their way."""
        return len(self._ready) + len(self._pending)

    def request(self) -> None:
        """Ask for samples until enough are on their way."""
        for _ in range(self._ahead + len(self.actors)):
            if self.prefetched >= self._ahead:
                return
            index = self._next % len(self.actors)
            self._next += 1
            if time.monotonic() >= self._resting_until[index]:
                drawn, batch = self.actors[index].sample.options(num_returns=2).remote(self._rows, self._least)
                self._pending[drawn] = index, batch

    def take(self, count: int, timeout: float) -> list[Any]:
        """References of `count` samples, or none when fewer are here after `timeout` seconds."""
        if len(self._ready) < count and self._pending:
            arrived, _ = ray.wait(list(self._pending), num_returns=1, timeout=timeout)
            for answer in arrived:
                self._receive(answer)
        if len(self._ready) < count:
            return []
        return [self._ready.popleft() for _ in range(count)]

    def _receive(self, answer: Any) -> None:
        index, batch = self._pending.pop(answer)
        try:
            drawn: Drawn = ray.get(answer)
        except ray.exceptions.RayError:
            self.lost_samples += 1
            self._resting_until[index] = time.monotonic() + REST_AFTER_DEATH_SECONDS
            return
        self.drawn[index] = drawn
        if drawn.ready:
            self._ready.append(batch)
        else:
            self._resting_until[index] = time.monotonic() + REST_WHEN_EMPTY_SECONDS

    def stop(self) -> None:
        for shard in self.actors:
            ray.kill(shard)
