"""A comparison is fair: equal budgets, empty caches, turns, and answers measured anew."""

from __future__ import annotations

from collections import Counter

import pytest

from eval import wording
from eval.budget import Budget
from eval.compare import compare
from eval.remeasure import ROUNDS
from eval.workers import station
from rllib_envs.errors import UserError
from rllib_envs.problem import Evaluation

METHODS = ["greedy1", "greedy2", "random"]


def test_every_method_gets_every_benchmark_and_seed_on_the_same_budget(toy, clock, benchmarks):
    result = compare(toy, benchmarks, METHODS, Budget(seconds=9), seeds=(0, 1), clock=clock)
    assert Counter((row.benchmark, row.method) for row in result.rows) == {
        (benchmark.name, method): 2 for benchmark in benchmarks for method in METHODS
    }
    assert max(row.seconds for row in result.rows) == 9.0
    assert {row.seconds for row in result.of("random", "1_6_2")} == {9.0}


def test_a_comparison_repeats_itself(toy, clock, benchmarks, policy):
    def once():
        clock.now = 0.0
        return compare(toy, benchmarks, ["policy", *METHODS], Budget(seconds=9), (0, 1), policy, clock=clock)

    assert once() == once()


def test_methods_take_turns_in_an_order_that_depends_on_the_seed(toy, benchmarks):
    seen = []
    compare(toy, benchmarks, METHODS, Budget(evaluations=5), seeds=range(6), progress=seen.append)
    assert [step.done for step in seen] == list(range(1, len(benchmarks) * 6 * 3 + 1))
    assert seen[-1].total == len(seen)
    turns = [tuple(step.method for step in seen[at : at + 3]) for at in range(0, len(seen), 3)]
    assert all(sorted(turn) == METHODS for turn in turns)
    assert len(set(turns)) > 3


def test_no_method_profits_from_what_another_has_measured(toy, benchmarks):
    alone = {
        method: [row.evaluations for row in compare(toy, benchmarks, [method], Budget(evaluations=40)).rows]
        for method in METHODS
    }
    together = compare(toy, benchmarks, METHODS, Budget(evaluations=40), seeds=(0,))
    assert alone == {method: [row.evaluations for row in together.of(method)] for method in METHODS}


def test_random_search_with_ten_times_the_time_of_the_policy(toy, clock, benchmarks, policy):
    policy.clock, policy.seconds = clock, 0.5
    result = compare(toy, benchmarks[2:3], ["policy"], Budget(seconds=50), (0, 1), policy, clock=clock)
    assert result.methods == ("policy", "random_10x")
    assert result.policy_multiples == {"random_10x": 10.0}
    for ours, theirs in zip(result.of("policy"), result.of("random_10x"), strict=True):
        assert (ours.benchmark, ours.seed) == (theirs.benchmark, theirs.seed)
        assert ours.seconds > ours.evaluations, "inference counts"
        assert 0 <= theirs.seconds - 10 * ours.seconds < 1


def test_the_multiple_can_be_changed_and_left_out(toy, benchmarks, policy):
    run = (toy, benchmarks[:1], ["policy"], Budget(evaluations=5), (0,), policy)
    assert compare(*run, policy_multiple=2.5).methods == ("policy", "random_2.5x")
    assert compare(*run, policy_multiple=None).methods == ("policy",)
    with pytest.raises(UserError, match="more than 0"):
        compare(*run, policy_multiple=-1)


def test_a_lucky_measurement_does_not_decide(toy, benchmarks, monkeypatch):
    """The first look at any state shows a third too much; later ones are right."""
    honest, seen = toy.evaluate, Counter()

    def evaluate(state):
        evaluation = honest(state)
        seen[state.positions] += 1
        luck = 4 / 3 if seen[state.positions] == 1 and any(state.positions) else 1.0
        return Evaluation(evaluation.value * luck, "share", 1.0)

    monkeypatch.setattr(toy, "evaluate", evaluate)
    result = compare(toy, benchmarks[1:2], ["greedy2"], Budget(evaluations=60))
    (row,) = result.rows
    assert row.claimed == pytest.approx(row.value * 4 / 3)
    assert row.speedup == pytest.approx(row.value / row.start)
    assert row.value <= 1.0


def test_answers_are_measured_in_three_rounds_and_the_same_solution_once_a_round(toy, benchmarks):
    result = compare(toy, benchmarks[:1], ["greedy1", "greedy2"], Budget(evaluations=60))
    first, second = result.rows
    assert first.value == second.value == 1.0
    rounds = toy.calls[-2 * ROUNDS - 2 : -2]
    assert Counter(state.positions for state in rounds) == {(0,): ROUNDS, (3,): ROUNDS}
    on_the_way = [state.positions for state in toy.calls[-2:]]
    assert on_the_way == [(1,), (2,)], "once for both methods, and what the rounds have measured not again"
    assert first.steps == second.steps == pytest.approx((4 / 7, 5 / 7, 6 / 7, 1.0))


def test_an_answer_that_fails_when_measured_anew_counts_as_untuned(toy, benchmarks, monkeypatch):
    honest, seen = toy.evaluate, Counter()

    def evaluate(state):
        seen[state.positions] += 1
        broken = any(state.positions) and seen[state.positions] > 1
        return Evaluation(0.0, "share", 1.0, error="wrong result") if broken else honest(state)

    monkeypatch.setattr(toy, "evaluate", evaluate)
    (row,) = compare(toy, benchmarks[:1], ["greedy1"], Budget(evaluations=60)).rows
    assert row.error == "wrong result"
    assert (row.value, row.speedup) == (row.start, 1.0)


def test_baselines_are_measured_in_the_same_rounds(toy, benchmarks, monkeypatch):
    calls = []

    def measure(benchmark):
        calls.append(benchmark.name)
        return Evaluation(0.5, "share", 1.0)

    monkeypatch.setattr(type(toy), "baselines", lambda self: {"numpy": measure})
    result = compare(toy, benchmarks, ["greedy2"], Budget(evaluations=60))
    assert Counter(calls) == {benchmark.name: 1 + ROUNDS for benchmark in benchmarks}, "once before the rounds"
    assert result.baselines == ("numpy",)
    assert [row.seed for row in result.of("numpy")] == [None] * len(benchmarks)
    for row in result.of("greedy2"):
        assert row.ratios["numpy"] == pytest.approx(row.value / 0.5)


def test_what_a_baseline_took_to_tune_is_told(toy, benchmarks):
    def tuned(benchmark):
        details = {"tuning_seconds": 12.5, "tuning_trials": 64}
        return Evaluation(0.5, "share", 1.0, how="a compiler, 64 trials; timed once", details=details)

    def absent(benchmark):
        return Evaluation(0.0, "share", 1.0, error="not installed: pip install it")

    baselines = {"tuned": tuned, "absent": absent}
    result = compare(toy, benchmarks[:2], ["greedy1"], Budget(evaluations=9), baselines=baselines)
    for row in result.of("tuned"):
        assert (row.value, row.seconds, row.evaluations) == (0.5, 12.5, 64)
    assert wording.baselines(result) == ["tuned: a compiler, 64 trials."]
    notes = wording.exceptions(result)
    assert "absent has no value on 2 benchmarks: not installed: pip install it" in notes


def test_a_problem_without_baselines_has_none(toy, benchmarks):
    assert compare(toy, benchmarks[:1], ["greedy1"], Budget(evaluations=9)).baselines == ()


def test_an_interrupt_leaves_the_benchmarks_that_are_complete(toy, benchmarks, monkeypatch):
    def interrupt_in_the_third(step):
        if step.benchmark == benchmarks[2].name:
            raise KeyboardInterrupt

    result = compare(toy, benchmarks, METHODS, Budget(evaluations=9), progress=interrupt_in_the_third)
    assert result.interrupted
    assert result.benchmarks == tuple(benchmark.name for benchmark in benchmarks[:2])
    assert len(result.rows) == 2 * len(METHODS)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(station, "conduct", interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare(toy, benchmarks, METHODS, Budget(evaluations=9))


def test_what_makes_no_sense_is_refused(toy, benchmarks):
    budget = Budget(evaluations=5)
    with pytest.raises(UserError, match="did you mean 'random'"):
        compare(toy, benchmarks, ["randon"], budget)
    with pytest.raises(UserError, match="given twice"):
        compare(toy, benchmarks, ["random", "random"], budget)
    with pytest.raises(UserError, match="at least one benchmark"):
        compare(toy, [], ["random"], budget)
    with pytest.raises(UserError, match="at least one seed"):
        compare(toy, benchmarks, ["random"], budget, seeds=())
