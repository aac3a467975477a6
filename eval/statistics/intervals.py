"""Means over benchmarks with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 10_000
"""Bootstrap draws; the ends of a 95 % interval then move by less than 1 % of its width from seed to seed."""
CONFIDENCE = 0.95
LEAST_SEEDS = 3
"""With fewer runs of a benchmark, resampling them says nothing: of two runs, half of all draws are one run twice."""
CHUNK = 1_000
"""Draws made at a time, so that a thousand benchmarks do not take a gigabyte."""


class Interval(NamedTuple):
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    """`low` and `high` are nan where there is too little to resample: nothing is known of the spread then."""
    n: int
    """Benchmarks that had a finite ratio."""


def geomean_interval(ratios: Iterable[float], seed: int = 0) -> Interval:
    """Geometric mean of the finite positive ratios, with a percentile bootstrap over them.

    Of one ratio a benchmark, it says how the mean would move on other benchmarks of the same kind.
    """
    logs = np.log([ratio for ratio in ratios if 0 < ratio < math.inf])
    if not len(logs):
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = math.exp(logs.mean())
    if len(logs) < 2:
        return Interval(mean, math.nan, math.nan, 1)
    drawn = np.random.default_rng(seed).integers(len(logs), size=(RESAMPLES, len(logs)))
    low, high = np.exp(_ends(logs[drawn].mean(axis=1)))
    return Interval(mean, float(low), float(high), len(logs))


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the middle half along the last axis: float [..., n] to float [...]."""
    cut = scores.shape[-1] // 4
    ordered = np.sort(scores, axis=-1)
    return np.asarray(ordered[..., cut : scores.shape[-1] - cut].mean(axis=-1))


def iqm_interval(runs: Sequence[Sequence[float]], seed: int = 0) -> Interval:
    """Interquartile mean over all runs of all benchmarks, with a stratified bootstrap over the runs of each.

    Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021), section 4. `runs`
    has the scores of each benchmark's seeds. The benchmarks stay as they are, so the interval says how the mean
    would move with other seeds; it needs `LEAST_SEEDS` of them.
    """
    finite = [[score for score in scores if math.isfinite(score)] for scores in runs]
    strata = [np.array(scores) for scores in finite if scores]
    if not strata:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(interquartile_mean(np.concatenate(strata)))
    if min(map(len, strata)) < LEAST_SEEDS:
        return Interval(mean, math.nan, math.nan, len(strata))
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES // CHUNK):
        drawn = [scores[rng.integers(len(scores), size=(CHUNK, len(scores)))] for scores in strata]
        means.append(interquartile_mean(np.concatenate(drawn, axis=1)))
    low, high = _ends(np.concatenate(means))
    return Interval(mean, float(low), float(high), len(strata))


def _ends(resampled: np.ndarray) -> np.ndarray:
    tail = (1 - CONFIDENCE) / 2
    return np.asarray(np.quantile(resampled, [tail, 1 - tail]))
