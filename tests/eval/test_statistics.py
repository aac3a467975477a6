"""Means, intervals, wins and ties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.budget import Budget
from eval.comparison import Comparison, Row
from eval.statistics import by_benchmark, duel, geomean_interval, summarise


def comparison(speedups: dict[str, list[float]]) -> Comparison:
    rows = tuple(
        Row(f"b{index}", method, 0, 1.0, speedup, speedup, speedup, {}, 0.0)
        for method, values in speedups.items()
        for index, speedup in enumerate(values)
    )
    return Comparison("toy", {}, "share", True, "", Budget(evaluations=1), (0,), tuple(speedups), 3, rows=rows)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        low, high = geomean_interval(np.exp(rng.normal(0.5, 0.4, 25)), seed=trial)[1:3]
        covered += low <= math.exp(0.5) <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_a_single_benchmark_has_no_interval_and_impossible_ratios_are_left_out():
    one = geomean_interval([4.0])
    assert one.mean == pytest.approx(4.0)
    assert math.isnan(one.low)
    assert geomean_interval([1.0, 4.0, math.inf, math.nan]).n == 2
    assert geomean_interval([]).n == 0


def test_seeds_are_averaged_before_benchmarks():
    rows = [
        Row("b", "m", seed, 1.0, value, value, value, {"numpy": value / 2}, 0.0) for seed, value in ((0, 1.0), (1, 4.0))
    ]
    assert by_benchmark(rows) == {"b": pytest.approx(2.0)}
    assert by_benchmark(rows, "numpy") == {"b": pytest.approx(1.0)}


def test_wins_ties_and_losses():
    result = comparison({"policy": [2.0, 3.0, 1.0], "random": [1.0, 2.99, 1.5]})
    ours = duel(result, "policy", "random")
    assert (ours.wins, ours.ties, ours.losses) == (1, 1, 1)
    assert ours.ratio.mean == pytest.approx((2.0 * 3.0 / 2.99 / 1.5) ** (1 / 3))
    first, second = summarise(result)
    assert (first.method, second.method) == ("policy", "random")
    assert first.best_share == pytest.approx(2 / 3)
    assert second.best_share == pytest.approx(2 / 3)
