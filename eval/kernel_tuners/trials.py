"""One tuner on one kernel: so many trials, and what it had found after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.tuners.tuner import Tuner


class Kernel(Protocol):
    """What is tuned: a recorded or synthetic landscape, or a kernel that is built and measured."""

    @property
    def name(self) -> str: ...
    @property
    def space(self) -> GeneSpace: ...
    def score(self, gene: Gene) -> float:
        """Speed, the higher the better; 0 where it failed."""


@dataclass(frozen=True)
class Trials:
    """How a tuner is tried."""

    trials: int = 256
    batch: int = 8
    """Genes asked for at a time."""
    noise: float = 0.03
    """Standard deviation of a measurement in the logarithm, for landscapes, which have none of their own."""


@dataclass(frozen=True)
class Run:
    """What came of it."""

    best: np.ndarray
    """float [trials]: the speed without noise of what the tuner would hand out after each trial."""
    tuner_seconds: float
    """In the tuner, not in measuring."""
    unique: int
    failures: int

    @property
    def area(self) -> float:
        """Mean of the curve: the area under it, over the number of trials."""
        return float(self.best.mean())


def run_tuner(tuner: Tuner, kernel: Kernel, how: Trials, seed: int) -> Run:
    """Ask, measure, tell, until the trials are used up or the space is."""
    noise = np.random.default_rng([seed, 3])
    true: list[float] = []
    told: list[float] = []
    seconds = 0.0
    while len(told) < how.trials:
        begun = time.perf_counter()
        genes = tuner.ask(min(how.batch, how.trials - len(told)))
        seconds += time.perf_counter() - begun
        if not genes:
            break
        speeds = [kernel.score(gene) for gene in genes]
        scores = [speed * float(np.exp(how.noise * noise.standard_normal())) for speed in speeds]
        true += speeds
        told += scores
        begun = time.perf_counter()
        tuner.tell(genes, scores)
        seconds += time.perf_counter() - begun
    curve = handed_out(true, told)
    padded = np.concatenate([curve, np.full(how.trials - len(curve), curve[-1])])
    return Run(padded, seconds, len(set(tuner.genes)), sum(speed == 0 for speed in true))


def handed_out(true: list[float], told: list[float]) -> np.ndarray:
    """float [trials]: the true speed of the gene that was measured best so far."""
    leader, curve = 0, []
    for trial, score in enumerate(told):
        leader = trial if score > told[leader] else leader
        curve.append(true[leader])
    return np.array(curve)


Maker = Callable[[Kernel, int], Tuner]
"""A tuner for a kernel and a seed."""
