"""Each method and baseline in a few figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from eval.comparison import Comparison, Row
from eval.statistics.intervals import Interval, geomean_interval, iqm_interval
from eval.statistics.ratios import TIE, best_of_each, by_benchmark, speedups


class Summary(NamedTuple):
    """One method or baseline over all benchmarks."""

    method: str
    speedup: Interval
    """Geometric mean over the untuned state; the interval is over benchmarks."""
    iqm: Interval
    """Interquartile mean of the same ratio over benchmarks and seeds; the interval is over seeds."""
    ratios: Mapping[str, Interval]
    """The geometric mean over each baseline."""
    best_share: float
    """The share of benchmarks on which no contestant was better by more than `TIE`."""
    seconds: float
    """Tuning time: all that the search did, compiling and inference included. Median over benchmarks and seeds."""
    total_seconds: float
    """The same to tune every benchmark once: the sum over benchmarks of the mean over seeds."""
    evaluations: float
    """Median over searches."""


def summarise(comparison: Comparison) -> list[Summary]:
    """One summary for each method and baseline, the best geometric mean first."""
    of = speedups(comparison)
    best = best_of_each(of)
    summaries = []
    for name in comparison.contestants:
        rows = comparison.of(name)
        ratios = {
            baseline: geomean_interval(by_benchmark(rows, baseline).values())
            for baseline in comparison.baselines
            if baseline != name
        }
        won = sum(speedup * (1 + TIE) >= best[benchmark] for benchmark, speedup in of[name].items())
        seconds = _grouped(rows, "seconds")
        summaries.append(
            Summary(
                method=name,
                speedup=geomean_interval(of[name].values()),
                iqm=iqm_interval(_grouped(rows, "speedup")),
                ratios=ratios,
                best_share=won / len(comparison.benchmarks),
                seconds=float(np.median(np.concatenate(seconds))),
                total_seconds=sum(float(np.mean(runs)) for runs in seconds),
                evaluations=float(np.median([row.evaluations for row in rows])),
            )
        )
    return sorted(summaries, key=lambda summary: _nan_last(summary.speedup.mean), reverse=True)


def _grouped(rows: list[Row], field: str) -> list[list[float]]:
    """A field of each benchmark's runs."""
    grouped: dict[str, list[float]] = {}
    for row in rows:
        grouped.setdefault(row.benchmark, []).append(getattr(row, field))
    return list(grouped.values())


def _nan_last(value: float) -> float:
    return -math.inf if math.isnan(value) else value
