"""What can be said of many benchmarks at once, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from eval.comparison import Comparison, Row

RESAMPLES = 10_000
"""Bootstrap draws; the ends of a 95 % interval then move by less than 1 % of its width from seed to seed."""
CONFIDENCE = 0.95
TIE = 0.01
"""Values within 1 % of each other count as equal, since timings repeat no better than that."""


class Interval(NamedTuple):
    """A geometric mean and its 95 % bootstrap interval over benchmarks."""

    mean: float
    low: float
    high: float
    """`low` and `high` are nan for fewer than two benchmarks: nothing is known of the spread then."""
    n: int
    """Benchmarks that had a finite ratio."""


class Summary(NamedTuple):
    """One method or baseline over all benchmarks."""

    method: str
    speedup: Interval
    """Over the untuned state."""
    ratios: Mapping[str, Interval]
    """Over each baseline."""
    best_share: float
    """The share of benchmarks on which no contestant was better by more than `TIE`."""
    seconds: float
    """Median over searches."""
    evaluations: float
    """Median over searches."""


class Duel(NamedTuple):
    """Two contestants on the same benchmarks."""

    method: str
    other: str
    ratio: Interval
    """How many times better `method` is than `other`."""
    wins: int
    ties: int
    losses: int


def geomean_interval(ratios: Iterable[float], seed: int = 0) -> Interval:
    """Geometric mean of the finite positive ratios, with a percentile bootstrap over them."""
    logs = np.log([ratio for ratio in ratios if 0 < ratio < math.inf])
    if not len(logs):
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = math.exp(logs.mean())
    if len(logs) < 2:
        return Interval(mean, math.nan, math.nan, 1)
    drawn = np.random.default_rng(seed).integers(len(logs), size=(RESAMPLES, len(logs)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.exp(np.quantile(logs[drawn].mean(axis=1), [tail, 1 - tail]))
    return Interval(mean, float(low), float(high), len(logs))


def by_benchmark(rows: Iterable[Row], baseline: str | None = None) -> dict[str, float]:
    """Each benchmark's speedup, or ratio over a baseline: its geometric mean over seeds, or nan."""
    grouped: dict[str, list[float]] = {}
    for row in rows:
        ratio = row.speedup if baseline is None else row.ratios.get(baseline, math.nan)
        grouped.setdefault(row.benchmark, []).append(ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: float(np.exp(np.mean(np.log(ratios)))) for name, ratios in grouped.items()}


def summarise(comparison: Comparison) -> list[Summary]:
    """One summary for each method and baseline, the best geometric mean first."""
    speedups = {name: by_benchmark(comparison.of(name)) for name in comparison.contestants}
    best = {
        benchmark: max((speedups[name].get(benchmark, math.nan) for name in speedups), key=_nan_last)
        for benchmark in comparison.benchmarks
    }
    summaries = []
    for name in comparison.contestants:
        rows = comparison.of(name)
        ratios = {
            baseline: geomean_interval(by_benchmark(rows, baseline).values())
            for baseline in comparison.baselines
            if baseline != name
        }
        won = sum(speedup * (1 + TIE) >= best[benchmark] for benchmark, speedup in speedups[name].items())
        summaries.append(
            Summary(
                method=name,
                speedup=geomean_interval(speedups[name].values()),
                ratios=ratios,
                best_share=won / len(comparison.benchmarks),
                seconds=float(np.median([row.seconds for row in rows])),
                evaluations=float(np.median([row.evaluations for row in rows])),
            )
        )
    return sorted(summaries, key=lambda summary: _nan_last(summary.speedup.mean), reverse=True)


def duel(comparison: Comparison, method: str, other: str) -> Duel:
    """Set two contestants against each other, benchmark by benchmark."""
    ours, theirs = (by_benchmark(comparison.of(name)) for name in (method, other))
    ratios = [ours[name] / theirs[name] for name in ours if theirs.get(name, math.nan) > 0]
    ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
    wins = sum(ratio > 1 + TIE for ratio in ratios)
    losses = sum(ratio < 1 / (1 + TIE) for ratio in ratios)
    return Duel(method, other, geomean_interval(ratios), wins, len(ratios) - wins - losses, losses)


def _nan_last(value: float) -> float:
    return -math.inf if math.isnan(value) else value
