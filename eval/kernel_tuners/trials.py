"""One tuner on one kernel: so many trials, and what it had found after each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.tuners.tuner import FAILED, Tuner


class Kernel(Protocol):
    """What is tuned: a landscape, or a kernel that is built and measured."""

    @property
    def name(self) -> str: ...
    @property
    def space(self) -> GeneSpace: ...
    def scores(self, genes: Sequence[Gene]) -> list[float]:
        """Speeds, the higher the better; 0 where one failed."""


@dataclass(frozen=True)
class Trials:
    """How a tuner is tried."""

    count: int = 256
    batch: int = 8
    """Genes asked for at a time."""
    noise: float = 0.03
    """Standard deviation of a measurement in the logarithm, for landscapes, which have none of their own."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.batch < 1 or not self.noise >= 0:
            raise UserError(
                f"trials need a count and a batch of at least 1 and a noise of at least 0; got {self.count}, "
                f"{self.batch} and {self.noise:g}"
            )


@dataclass(frozen=True)
class Run:
    """What came of it."""

    best: np.ndarray
    """float [count]: the speed without noise of what the tuner would hand out after each trial."""
    tuner_seconds: float
    """Of processor time, in the tuner and not in measuring. Tuners compute with one thread."""
    unique: int
    """Different genes among those that were measured."""
    failures: int

    @property
    def area(self) -> float:
        """The area under the curve of the best so far, over the number of trials: its mean."""
        return float(self.best.mean())


def run_tuner(tuner: Tuner, kernel: Kernel, trials: Trials, seed: int) -> Run:
    """Ask, measure, tell, until the trials are used up or the space is."""
    noise = np.random.default_rng([seed, 3])
    true: list[float] = []
    told: list[float] = []
    seconds = 0.0
    while len(told) < trials.count:
        begun = time.process_time()
        genes = tuner.ask(min(trials.batch, trials.count - len(told)))
        seconds += time.process_time() - begun
        if not genes:
            break
        speeds = kernel.scores(genes)
        scores = [speed * float(np.exp(trials.noise * noise.standard_normal())) for speed in speeds]
        true += speeds
        told += scores
        begun = time.process_time()
        tuner.tell(genes, scores)
        seconds += time.process_time() - begun
    curve = handed_out(true, told)
    padded = np.concatenate([curve, np.full(trials.count - len(curve), curve[-1])])
    return Run(padded, seconds, len(set(tuner.genes)), sum(speed <= FAILED for speed in true))


def handed_out(true: list[float], told: list[float]) -> np.ndarray:
    """float [trials]: the true speed of the gene that was measured best so far."""
    leader, curve = 0, []
    for trial, score in enumerate(told):
        leader = trial if score > told[leader] else leader
        curve.append(true[leader])
    return np.array(curve)
