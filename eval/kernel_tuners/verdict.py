"""Who was better than whom, with its uncertainty: ratios paired by kernel and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from eval.kernel_tuners.contest import Result
from eval.statistics import TIE, Interval, geomean_interval, iqm_interval

Figure = Callable[[Result], float]


def area(result: Result) -> float:
    """The area under the curve of the best so far."""
    return result.run.area


def final(result: Result) -> float:
    """The speed of what is handed out in the end."""
    return float(result.run.best[-1])


class Verdict(NamedTuple):
    """How many times better one tuner is than another one."""

    by_kernel: dict[str, float]
    """The geometric mean over seeds."""
    over_kernels: Interval
    """The geometric mean of these; the interval says how it would be on other kernels of the same kinds."""
    over_seeds: Interval
    """The interquartile mean over all runs; the interval says how it would be with other seeds."""
    wins: int
    ties: int
    losses: int
    """Of runs that are paired: the same kernel, the same seed, the same first genes."""


def verdict(results: Sequence[Result], method: str, other: str, figure: Figure = area) -> Verdict:
    """Compare two tuners. Where the other one found nothing that works, the pair does not count."""
    ours, theirs = _by_pair(results, method, figure), _by_pair(results, other, figure)
    ratios: dict[str, list[float]] = {}
    for (kernel, seed), value in ours.items():
        if theirs.get((kernel, seed), 0.0) > 0 and value > 0:
            ratios.setdefault(kernel, []).append(value / theirs[kernel, seed])
    every = [ratio for group in ratios.values() for ratio in group]
    by_kernel = {kernel: float(np.exp(np.mean(np.log(group)))) for kernel, group in ratios.items()}
    wins, losses = sum(ratio > 1 + TIE for ratio in every), sum(ratio < 1 / (1 + TIE) for ratio in every)
    return Verdict(
        by_kernel,
        geomean_interval(by_kernel.values()),
        iqm_interval(list(ratios.values())),
        wins,
        len(every) - wins - losses,
        losses,
    )


def trials_to_reach(results: Sequence[Result], method: str, other: str) -> dict[str, list[float]]:
    """By kernel, for each seed: how many trials `method` needed for what `other` handed out in the end, within 1 %;
    infinite where it did not come to it."""
    goals = _by_pair(results, other, final)
    needed: dict[str, list[float]] = {}
    for result in results:
        if result.method == method:
            reached = np.flatnonzero(result.run.best >= goals[result.kernel, result.seed] / (1 + TIE))
            needed.setdefault(result.kernel, []).append(float(reached[0] + 1) if len(reached) else np.inf)
    return needed


def ceilings(results: Sequence[Result], other: str) -> dict[str, float]:
    """By kernel, how many times better than `other` a tuner could be by its area: one that begins with the best that
    any run found. Kernels on which `other` found nothing that works are left out."""
    best: dict[str, float] = {}
    for result in results:
        best[result.kernel] = max(best.get(result.kernel, 0.0), final(result))
    areas: dict[str, list[float]] = {}
    for (kernel, _), value in _by_pair(results, other, area).items():
        areas.setdefault(kernel, []).append(value)
    return {kernel: best[kernel] / float(np.mean(found)) for kernel, found in areas.items() if any(found)}


def overhead_ms(results: Sequence[Result], method: str) -> float:
    """Milliseconds of the tuner itself for each trial, in the mean over all runs."""
    mine = [result.run for result in results if result.method == method]
    return 1e3 * sum(run.tuner_seconds for run in mine) / sum(len(run.best) for run in mine)


def repeated_percent(results: Sequence[Result], method: str) -> float:
    """The share of trials that measured what had been measured before."""
    mine = [result.run for result in results if result.method == method]
    trials = sum(len(run.best) for run in mine)
    return 100 * (1 - sum(run.unique for run in mine) / trials)


def _by_pair(results: Sequence[Result], method: str, figure: Figure) -> dict[tuple[str, int], float]:
    return {(result.kernel, result.seed): figure(result) for result in results if result.method == method}
