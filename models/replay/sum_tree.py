"""A tree of sums: draws in proportion to weights, in time logarithmic in their number (Schaul et al., 2016, B.2.1)."""

from __future__ import annotations

import numpy as np


class SumTree:
    """Weights of `capacity` places; every operation works on whole arrays."""

    def __init__(self, capacity: int) -> None:
        self._leaves = 1 << max(capacity - 1, 1).bit_length()
        # Node i has the children 2 i and 2 i + 1; the root is node 1.
        self._sums = np.zeros(2 * self._leaves)

    @property
    def total(self) -> float:
        return float(self._sums[1])

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """float64: the weights of these places."""
        weights: np.ndarray = self._sums[places + self._leaves]
        return weights

    def __setitem__(self, places: np.ndarray, weights: np.ndarray) -> None:
        if not len(places):
            return
        nodes = places + self._leaves
        self._sums[nodes] = weights
        while nodes[0] > 1:
            nodes = np.unique(nodes >> 1)
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def find(self, amounts: np.ndarray) -> np.ndarray:
        """int64: for each amount in [0, total) the place where the weights, added up from the first, exceed it."""
        nodes = np.ones(len(amounts), np.int64)
        rest = amounts.astype(np.float64)
        while nodes[0] < self._leaves:
            left = self._sums[2 * nodes]
            # Rounding may leave more than the whole tree has; a branch without weight is never entered for that.
            right = (rest >= left) & (self._sums[2 * nodes + 1] > 0)
            rest = np.where(right, rest - left, rest)
            nodes = 2 * nodes + right
        return nodes - self._leaves
