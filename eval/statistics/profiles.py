"""Shares of benchmarks: how often a method is how good."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eval.comparison import Comparison
from eval.statistics.ratios import best_of_each, speedups


class Reached(NamedTuple):
    """What the runs of a method reached, as a weighted sample."""

    ratios: np.ndarray
    """float [runs], ascending; 0 where a run has no answer that counts."""
    weights: np.ndarray
    """float [runs]; they sum to 1, and each benchmark has the same share, however many seeds it has."""

    def share_above(self, p: float) -> float:
        """The share of benchmarks with a ratio of more than `p`."""
        return float(self.weights[self.ratios > p].sum())


def fast_p(comparison: Comparison, method: str, baseline: str | None = None) -> Reached:
    """What `method` reaches over a baseline, or over the untuned state; `share_above(p)` is fast_p.

    Ouyang et al., "KernelBench: Can LLMs Write Efficient GPU Kernels?" (2025): the share of tasks whose answer is
    correct and more than p times as fast as the baseline. An answer that failed when it was measured anew is not
    correct. Benchmarks for which the baseline itself has no value are left out; empty arrays where that leaves none.
    """
    known = {name for name, start in comparison.starts().items() if math.isfinite(start) and start > 0}
    if baseline is not None:
        known &= {row.benchmark for row in comparison.of(baseline) if math.isfinite(row.value)}
    runs: dict[str, list[float]] = {name: [] for name in comparison.benchmarks if name in known}
    for row in comparison.of(method):
        if row.benchmark in runs:
            ratio = row.ratio(baseline)
            runs[row.benchmark].append(0.0 if row.error or math.isnan(ratio) else ratio)
    sampled = [ratios or [0.0] for ratios in runs.values()]
    pairs = sorted((ratio, 1 / len(ratios) / len(sampled)) for ratios in sampled for ratio in ratios)
    ratios, weights = np.array(pairs).reshape(-1, 2).T
    return Reached(ratios, weights)


def performance_profile(comparison: Comparison) -> dict[str, np.ndarray]:
    """For each contestant, how many times worse than the best one it is: float [benchmarks], ascending.

    Dolan and Moré, "Benchmarking optimization software with performance profiles" (2002): the profile at t is the
    share of these ratios that are at most t. inf where a contestant has no value; 1 where it is the best itself.
    """
    of = speedups(comparison)
    best = {name: speedup for name, speedup in best_of_each(of).items() if math.isfinite(speedup)}
    return {
        contestant: np.sort(
            [speedup / figures[name] if figures[name] > 0 else math.inf for name, speedup in best.items()]
        )
        for contestant, figures in of.items()
    }
