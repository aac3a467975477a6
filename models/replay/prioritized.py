"""Replay in proportion to surprise (Schaul et al., 2016, "Prioritized Experience Replay", sections 3.3 and 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.replay.buffer import PRIORITIES, ReplayBuffer
from models.replay.sum_tree import SumTree
from models.replay.transitions import Transitions

LEAST_PRIORITY = 1e-3
"""Added to every priority, so that no transition is out of reach for ever."""
ROWS, SERIALS = "replay_rows", "replay_serials"
"""Columns of a batch that say where its transitions came from."""


class PrioritizedReplay(ReplayBuffer):
    """A ring of transitions that are drawn with probability priority^alpha / sum of priority^alpha.

    Every transition has a serial number. A learner's new priority names the number with the row, and is dropped when
    the row holds another transition by then.
    """

    def __init__(self, capacity: int, seed: int, alpha: float, beta: float, first_serial: int = 0) -> None:
        super().__init__(capacity, seed)
        self.alpha, self.beta = alpha, beta
        self.next_serial = first_serial
        self.stale_writes = 0
        """Priorities dropped because their transition had been overwritten."""
        self._serials = np.full(capacity, -1, np.int64)
        self._priorities = np.zeros(capacity, np.float32)
        self._tree = SumTree(capacity)

    def add(self, transitions: Transitions) -> np.ndarray:
        transitions = transitions.last(self.capacity)
        rows = super().add(transitions)
        self._serials[rows] = self.next_serial + np.arange(len(rows))
        self.next_serial += len(rows)
        self._write(rows, transitions.priorities)
        return rows

    def _write(self, rows: np.ndarray, priorities: np.ndarray) -> None:
        if not np.isfinite(priorities).all():
            raise ValueError("a priority is no number; the network that computed it has diverged")
        self._priorities[rows] = priorities
        self._tree[rows] = (priorities.astype(np.float64) + LEAST_PRIORITY) ** self.alpha

    def sample(self, count: int) -> dict[str, Any]:
        """`count` transitions, one from each of `count` equal parts of the priorities' sum, in random order.

        Adds to their columns `weights` float32 (importance weights (N P)^-beta over the batch's largest), and where
        they came from: `replay_rows` and `replay_serials` int64.
        """
        total = self._tree.total
        amounts = (np.arange(count) + self._rng.random(count)) * (total / count)
        rows = self._rng.permutation(self._tree.find(amounts))
        weights = (self.size * self._tree[rows] / total) ** -self.beta
        return self.rows(rows) | {
            "weights": (weights / weights.max()).astype(np.float32),
            ROWS: rows,
            SERIALS: self._serials[rows],
        }

    def update_priorities(self, rows: np.ndarray, serials: np.ndarray, priorities: np.ndarray) -> None:
        """Take a learner's TD errors as new priorities, except where the transition is gone."""
        present = self._serials[rows] == serials
        self.stale_writes += int((~present).sum())
        if present.any():
            self._write(rows[present], priorities[present])

    def age(self, serials: np.ndarray) -> float:
        """Mean number of transitions written since these."""
        return float(self.next_serial - 1 - serials.mean())

    @property
    def mean_priority(self) -> float:
        return float(self._priorities[: self.size].mean()) if self.size else 0.0

    def arrays(self) -> dict[str, np.ndarray]:
        """As of any replay, with the priorities."""
        return {**super().arrays(), PRIORITIES: self._priorities[self.oldest_first()]} if self.size else {}


def deal(arrays: Mapping[str, np.ndarray], hands: int) -> list[dict[str, np.ndarray]]:
    """Every `hands`-th transition to each of that many replays, in order of age."""
    return [{name: array[hand::hands] for name, array in arrays.items()} for hand in range(hands)]
