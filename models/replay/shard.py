"""Where transitions are kept between runners and learner: a process for each shard, or the learner's.

Nothing of RLlib or PyTorch is imported here, so a shard's process starts in a second and is small.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.replay.prioritized import SERIALS, PrioritizedReplay
from models.replay.transitions import Transitions

SHARD = "replay_shard"
"""Column of a batch: the shard that its transitions came from."""


class Drawn(NamedTuple):
    """What there is to know about a sample besides the sample itself."""

    ready: bool
    """False: there was no sample, because the shard holds too little."""
    size: int
    mean_priority: float
    age: float
    """Mean number of transitions that this shard got since those in the sample."""
    stale_writes: int


class ReplayShard:
    """A prioritised replay with answers that fit a Ray actor: small ones apart from large ones."""

    def __init__(self, index: int, capacity: int, seed: int, alpha: float, beta: float) -> None:
        self.index = index
        # A shard that Ray has started again must not take priorities meant for the one that died.
        self._replay = PrioritizedReplay(capacity, seed, alpha, beta, first_serial=time.time_ns())

    def add(self, transitions: Transitions) -> None:
        self._replay.add(transitions)

    def sample(self, count: int, least: int) -> tuple[Drawn, Any]:
        """A sample's columns, once there are `least` transitions."""
        replay = self._replay
        if replay.size < max(least, 1):
            return Drawn(False, replay.size, replay.mean_priority, 0.0, replay.stale_writes), None
        columns = replay.sample(count)
        columns[SHARD] = np.full(count, self.index)
        age = replay.age(columns[SERIALS])
        return Drawn(True, replay.size, replay.mean_priority, age, replay.stale_writes), columns

    def update_priorities(self, rows: np.ndarray, serials: np.ndarray, priorities: np.ndarray) -> None:
        self._replay.update_priorities(rows, serials, priorities)

    def arrays(self) -> dict[str, np.ndarray]:
        return self._replay.arrays()

    def add_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._replay.add_arrays(arrays)

    def pid(self) -> int:
        """The process that it is in."""
        return os.getpid()


def joined_by_age(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of several shards as one replay's, those of about the same age together."""
    parts = [part for part in parts if part]
    if not parts:
        return {}
    ages = np.concatenate([np.linspace(0, 1, len(part["actions"])) for part in parts])
    order = np.argsort(ages, kind="stable")
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
