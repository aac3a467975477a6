"""Means, intervals, wins and ties."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from eval.budget import Budget
from eval.comparison import Comparison, Row
from eval.statistics import (
    by_benchmark,
    duel,
    fast_p,
    geomean_interval,
    iqm_interval,
    performance_profile,
    records,
    summarise,
)
from eval.statistics.intervals import interquartile_mean


def comparison(speedups: dict[str, list[float | list[float]]]) -> Comparison:
    """The speedups of each method on each benchmark, of one seed or of each of several."""
    rows = tuple(
        Row(f"b{index}", method, seed, 1.0, speedup, speedup, speedup, {}, 0.0, seconds=speedup / 10)
        for method, values in speedups.items()
        for index, runs in enumerate(values)
        for seed, speedup in enumerate(runs if isinstance(runs, list) else [runs])
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


def test_the_interquartile_mean_is_that_of_the_middle_half_of_all_runs():
    runs = np.random.default_rng(0).lognormal(size=(25, 5))
    assert iqm_interval(runs).mean == pytest.approx(scipy.stats.trim_mean(runs, 0.25, axis=None))
    assert iqm_interval([[1.0, 1.0, 1.0], [1e9, 2.0, 3.0]]).mean == pytest.approx((1 + 1 + 2 + 3) / 4)


def test_the_stratified_interval_covers_the_truth_about_as_often_as_it_says():
    """Of many runs of the same benchmarks, whose differences are far larger than those between seeds."""
    rng = np.random.default_rng(0)
    levels = np.geomspace(1, 20, 6)[:, None]
    truth = interquartile_mean((levels * np.exp(rng.normal(0, 0.1, (6, 4000)))).ravel())
    covered = 0
    for trial in range(50):
        interval = iqm_interval(levels * np.exp(rng.normal(0, 0.1, (6, 6))), seed=trial)
        covered += interval.low <= truth <= interval.high
        assert interval.high - interval.low < 0.2 * truth, "the benchmarks' differences are no uncertainty here"
    assert 0.8 <= covered / 50 < 1.0


def test_two_seeds_are_too_few_for_an_interval_over_seeds():
    two, three = iqm_interval([[1.0, 2.0], [3.0, 4.0]]), iqm_interval([[1.0, 2.0, 1.0], [3.0, 4.0, 3.0]])
    assert math.isnan(two.low)
    assert three.low < three.mean < three.high
    assert iqm_interval([[1.0, 2.0, 3.0], [math.nan]]).n == 1
    assert math.isnan(iqm_interval([]).mean)


def test_all_pairs_are_counted_both_ways_round():
    of = records(comparison({"a": [2.0, 3.0, 1.0], "b": [1.0, 2.99, 1.5], "c": [9.0, 9.0, 9.0]}))
    assert len(of) == 6
    assert of["a", "b"] == of["b", "a"] == (1, 1, 1)
    assert of["c", "a"] == (3, 0, 0)
    assert of["a", "c"] == (0, 0, 3)


def test_the_profile_has_how_many_times_worse_than_the_best_each_one_is():
    profile = performance_profile(comparison({"a": [2.0, 3.0, 1.0], "b": [4.0, 3.0, math.nan]}))
    assert profile["a"].tolist() == [1.0, 1.0, 2.0]
    assert profile["b"].tolist() == [1.0, 1.0, math.inf]
    assert [float((profile["a"] <= t).mean()) for t in (1.0, 1.9, 2.0)] == pytest.approx([2 / 3, 2 / 3, 1])


def test_fast_p_is_the_share_of_benchmarks_that_are_faster_and_correct():
    result = comparison({"a": [2.0, 1.0, [0.5, 3.0]]})
    reached = fast_p(result, "a")
    assert [reached.share_above(p) for p in (0.4, 1, 2, 3)] == pytest.approx([1, 1.5 / 3, 0.5 / 3, 0])
    failed = [replace(row, error="wrong result") if row.value == 2 else row for row in result.rows]
    assert fast_p(replace(result, rows=tuple(failed)), "a").share_above(0.4) == pytest.approx(2 / 3)


def test_fast_p_leaves_out_what_the_baseline_can_not_do():
    rows = [
        Row("one", "a", 0, 1.0, 3.0, 3.0, 3.0, {"numpy": 1.5}, 0.0),
        Row("two", "a", 0, 1.0, 3.0, 3.0, 3.0, {}, 0.0),
        Row("one", "numpy", None, 1.0, 2.0, 2.0, 2.0, {"numpy": 1.0}, 0.0),
        Row("two", "numpy", None, 1.0, math.nan, math.nan, math.nan, {}, 0.0, error="not supported"),
    ]
    result = replace(comparison({"a": []}), rows=tuple(rows), baselines=("numpy",))
    assert fast_p(result, "a", "numpy").share_above(1.2) == 1.0
    assert fast_p(result, "numpy").share_above(1.2) == 0.5, "over untuned it counts as not fast"
    assert len(fast_p(replace(result, rows=tuple(rows[:3])), "a", "numpy").ratios) == 1


def test_tuning_time_is_the_median_search_and_the_sum_over_benchmarks():
    (summary,) = summarise(comparison({"a": [[1.0, 3.0, 2.0], [10.0, 30.0, 20.0]]}))
    assert summary.seconds == pytest.approx(np.median([0.1, 0.3, 0.2, 1, 3, 2]))
    assert summary.total_seconds == pytest.approx(0.2 + 2.0)


def test_parts_are_the_benchmarks_of_each_split_and_held_out_ones_come_first():
    result = comparison({"a": [2.0, 8.0, 1.0]})
    assert result.parts() == {"": result}
    parts = replace(result, splits={"b0": "train", "b1": "train", "b2": "test"}).parts()
    assert {name: part.benchmarks for name, part in parts.items()} == {"test": ("b2",), "train": ("b0", "b1")}
    assert list(parts) == ["test", "train"]
    assert summarise(parts["train"])[0].speedup.mean == pytest.approx(4.0)
