"""Which genes are promising on a kernel that nothing is known of, by what was measured on others.

A network guesses from a gene's features how fast it is beside the best of its kernel. Features mean the same for every
kernel, and shares of the best can be compared where speeds can't; so it learns from all kernels alike. Tuners take
their first genes by it, as cost models are carried from task to task in Chen et al. 2018 ("Learning to Optimize Tensor
Programs", section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from models.ga_dqn.features import GENE
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.small_network import SmallNetwork
from rllib_envs.torch_threads import torch_threads

WORST = 4.0
"""Halvings below the best at which a gene is as bad as one that fails: the share is then -1."""
BATCH = 128
STEPS = 2
"""Gradient steps for each example that is new."""
LEARNING_RATE = 1e-3


class Measured(NamedTuple):
    """What was measured of one kernel, in this order."""

    rows: list[np.ndarray]
    """float32 [GENE] each."""
    scores: list[float]
    """Speeds, 0 for a failure."""


class Forecast:
    """Examples of several kernels, and a network that has learnt them."""

    def __init__(self, settings: GADQNSettings, seed: int) -> None:
        self._most = settings.examples
        self._network = SmallNetwork(GENE, settings.hidden, np.random.default_rng([seed, 4]))
        self._rows, self._shares = np.zeros((0, GENE), np.float32), np.zeros(0, np.float32)
        """Of kernels before those that are tuned now."""
        self._kernels: list[Measured] = []

    def kernel(self) -> Measured:
        """For a kernel that is tuned now: where its tuner notes what was measured."""
        self._kernels.append(Measured([], []))
        return self._kernels[-1]

    def shares(self, rows: np.ndarray) -> np.ndarray:
        """float32 [rows], from -1 to 0: guesses of the logarithm of a gene's speed over the best one's."""
        with torch_threads(1):
            return self._network.values(rows)

    def knowledge(self) -> dict[str, np.ndarray]:
        """The network, after it has learnt from the kernels that are tuned now, too, and all examples.

        An example counts once, as it was measured last: a tuning that goes on has begun with what it left itself. This
        forecast stays as it is, so that what is drawn by it does not depend on who asked.
        """
        tuned = [kernel for kernel in self._kernels if max(kernel.scores, default=0.0) > 0]
        new = {row.tobytes() for kernel in tuned for row in kernel.rows}
        old = [place for place, row in enumerate(self._rows) if row.tobytes() not in new]
        rows = np.concatenate([self._rows[old], *(np.stack(kernel.rows) for kernel in tuned)])[-self._most :]
        shares = np.concatenate([self._shares[old], *(_shares(kernel.scores) for kernel in tuned)])[-self._most :]
        weights = self._network.weights.clone()
        if measured := sum(len(kernel.scores) for kernel in tuned):
            weights = self._fitted(rows, shares, STEPS * measured)
        return {"weights": weights.numpy().copy(), "rows": rows, "shares": shares}

    def learn_from(self, knowledge: Mapping[str, np.ndarray]) -> None:
        """Take over what `knowledge` returned on other kernels."""
        self._network.weights = torch.from_numpy(np.array(knowledge["weights"]))
        self._rows, self._shares = np.array(knowledge["rows"]), np.array(knowledge["shares"])

    def state(self) -> dict[str, np.ndarray]:
        """What `learn_from` puts back."""
        return {"weights": self._network.weights.numpy().copy(), "rows": self._rows, "shares": self._shares}

    def _fitted(self, rows: np.ndarray, shares: np.ndarray, steps: int) -> torch.Tensor:
        """float32 [parameters]: the network's weights after so many more steps."""
        rng = np.random.default_rng(len(rows))
        network = SmallNetwork(GENE, self._network.hidden, rng)
        network.weights = self._network.weights.clone()
        with torch_threads(1):
            for _ in range(steps):
                places = rng.integers(len(rows), size=BATCH)
                network.fit(rows[places], shares[places], LEARNING_RATE)
        return network.weights


def _shares(scores: list[float]) -> np.ndarray:
    """float32 [scores]"""
    with np.errstate(divide="ignore"):
        halvings = np.log2(np.array(scores) / max(scores))
    return np.asarray(np.clip(halvings / WORST, -1, 0), np.float32)
