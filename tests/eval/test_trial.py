"""Budgets are obeyed, and every search answers with its best."""

from __future__ import annotations

import itertools

import pytest

from eval import trial as trial_module
from eval.budget import Budget
from eval.searches import make_search
from eval.searches.run import run_search
from eval.trial import BudgetSpent, Trial
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark

TASK = Benchmark("task", "toy", {"targets": [6, 5, 3, 7]})


@pytest.mark.parametrize(
    "limits", [{}, {"seconds": 0.0}, {"seconds": float("nan")}, {"seconds": float("inf")}, {"evaluations": 0}]
)
def test_senseless_budgets_are_refused(limits):
    with pytest.raises(UserError, match="budget"):
        Budget(**limits)


def test_a_budget_of_evaluations_is_kept_to_the_last_one(toy):
    outcome = run_search(make_search("random"), toy, TASK, Budget(evaluations=37))
    assert outcome.evaluations == len(toy.calls) == 37


@pytest.mark.parametrize("method", ["random", "greedy2"])
def test_a_budget_of_seconds_includes_the_untuned_state_and_is_checked_before_each_evaluation(toy, clock, method):
    outcome = run_search(make_search(method), toy, TASK, Budget(seconds=7.5), clock=clock)
    assert len(toy.calls) == 8, "the eighth was begun at 7.0 s"
    assert outcome.seconds == 8.0


def test_the_first_of_two_limits_ends_the_search(toy, clock):
    search = make_search("random")
    assert run_search(search, toy, TASK, Budget(seconds=100, evaluations=5), clock=clock).evaluations == 5
    assert run_search(search, toy, TASK, Budget(seconds=5, evaluations=100), clock=clock).evaluations == 5


def test_the_curve_rises_and_ends_at_the_answer(toy, clock):
    outcome = run_search(make_search("random"), toy, TASK, Budget(evaluations=200), clock=clock)
    assert len(outcome.curve) > 3
    assert outcome.curve[0] == (1.0, 1, outcome.start.value)
    for before, after in itertools.pairwise(outcome.curve):
        assert after.value > before.value
        assert after.seconds > before.seconds
        assert after.evaluations > before.evaluations
    assert outcome.curve[-1].value == outcome.claimed.value == toy.evaluate(outcome.best.state).value


def test_the_actions_of_the_answer_lead_to_it(toy):
    outcome = run_search(make_search("random"), toy, TASK, Budget(evaluations=200))
    state = toy.initial(TASK)
    for action in outcome.best.actions:
        state = toy.apply(state, action)
    assert state == outcome.best.state


def test_an_interrupted_search_answers_with_its_best(toy):
    def interrupted(trial, rng):
        trial.evaluate(trial.step(trial.root, toy.actions.index("raise")))
        raise KeyboardInterrupt

    outcome = run_search(interrupted, toy, TASK, Budget(evaluations=10))
    assert outcome.interrupted
    assert outcome.claimed.value > outcome.start.value


def test_known_states_cost_no_evaluation_but_nothing_is_answered_after_the_end(toy):
    trial = Trial(toy, TASK, Budget(evaluations=2))
    raised = trial.step(trial.root, toy.actions.index("raise"))
    trial.evaluate(trial.root)
    assert trial.evaluations == 1
    trial.evaluate(raised)
    with pytest.raises(BudgetSpent):
        trial.evaluate(raised)


def test_a_search_that_has_seen_everything_ends(toy, monkeypatch):
    monkeypatch.setattr(trial_module, "REPEATS_LIMIT", 500)
    outcome = run_search(
        make_search("random"), toy, Benchmark("one", "toy", {"targets": [2]}), Budget(evaluations=10**6)
    )
    assert outcome.evaluations == 8
    assert outcome.claimed.value == 1.0


def test_the_horizon_bounds_an_answer(toy):
    trial = Trial(toy, TASK, Budget(evaluations=10), horizon=1)
    child = trial.step(trial.root, toy.actions.index("raise"))
    assert trial.moves(trial.root)
    assert trial.moves(child) == ()
    assert trial.policy_input(child)["globals"][-1] == 0.0
