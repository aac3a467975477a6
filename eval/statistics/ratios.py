"""One figure for each benchmark: the ratio of a method's value to another one."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from eval.comparison import Comparison, Row

TIE = 0.01
"""Values within 1 % of each other count as equal, since timings repeat no better than that."""


def by_benchmark(rows: Iterable[Row], baseline: str | None = None) -> dict[str, float]:
    """Each benchmark's speedup, or ratio over a baseline: its geometric mean over seeds, or nan."""
    grouped: dict[str, list[float]] = {}
    for row in rows:
        grouped.setdefault(row.benchmark, []).append(row.ratio(baseline))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: float(np.exp(np.mean(np.log(ratios)))) for name, ratios in grouped.items()}


def speedups(comparison: Comparison) -> dict[str, dict[str, float]]:
    """By contestant and benchmark: the speedup over the untuned state, nan where there is none."""
    return {
        name: dict.fromkeys(comparison.benchmarks, math.nan) | by_benchmark(comparison.of(name))
        for name in comparison.contestants
    }


def best_of_each(of: dict[str, dict[str, float]]) -> dict[str, float]:
    """The best speedup of any contestant on each benchmark."""
    best: dict[str, float] = {}
    for figures in of.values():
        for benchmark, speedup in figures.items():
            best[benchmark] = float(np.fmax(best.get(benchmark, math.nan), speedup))
    return best
