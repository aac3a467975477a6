"""One tuner on one kernel: so many trials, and what it had found after each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Course:
    """What a tuner asked for, and what it was told."""

    genes: list[Gene]
    speeds: list[float]
    """Theirs, without noise."""
    told: list[float]
    count: int
    """Of trials; the space may have fewer genes."""
    tuner_seconds: float

    @property
    def answers(self) -> list[Gene]:
        """Each gene that would have been handed out at some time."""
        return [self.genes[trial] for trial in dict.fromkeys(leaders(self.told))]

    def run(self, anew: Mapping[Gene, float] | None = None) -> Run:
        """What came of it. `anew` are speeds of the answers that count instead of those that the tuner was told."""
        known = anew or {}
        true = [known.get(gene, speed) for gene, speed in zip(self.genes, self.speeds, strict=True)]
        curve = handed_out(true, self.told)
        padded = np.concatenate([curve, np.full(self.count - len(curve), curve[-1])])
        failures = sum(speed <= FAILED for speed in self.speeds)
        return Run(padded, self.tuner_seconds, len(set(self.genes)), failures)


def run_tuner(tuner: Tuner, kernel: Kernel, trials: Trials, seed: int) -> Course:
    """Ask, measure, tell, until the trials are used up or the space is."""
    noise = np.random.default_rng([seed, 3])
    asked: list[Gene] = []
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
        asked += genes
        true += speeds
        told += scores
        begun = time.process_time()
        tuner.tell(genes, scores)
        seconds += time.process_time() - begun
    return Course(asked, true, told, trials.count, seconds)


def leaders(told: Sequence[float]) -> list[int]:
    """For each trial, which one was measured best so far."""
    leader, found = 0, []
    for trial, score in enumerate(told):
        leader = trial if score > told[leader] else leader
        found.append(leader)
    return found


def handed_out(true: Sequence[float], told: Sequence[float]) -> np.ndarray:
    """float [trials]: the true speed of the gene that was measured best so far."""
    return np.array([true[leader] for leader in leaders(told)])
