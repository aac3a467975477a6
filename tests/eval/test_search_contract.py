"""What every search keeps, whatever it does: the budget, the seed, an answer at any time, an empty memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eval import trial as trial_module
from eval.budget import Budget
from eval.searches import POLICY_SEARCHES, SEARCHES, make_search
from eval.searches.run import run_search
from rllib_envs.problem import STOP, Benchmark, Evaluation
from rllib_envs.toy import Toy
from tests.eval.problems import TASK, FixedPolicy, Map

METHODS = [*SEARCHES, *POLICY_SEARCHES]
ENDLESS = ["annealing", "cma_es", "genetic", "hill_climbing", "random", "policy_sampled", "policy_beam"]
"""They go on until the budget is spent, or everything is seen."""
PLENTY = Budget(evaluations=1000)
DIALS = Benchmark("dials", "toy", {"targets": [6, 5, 3, 7]})

every_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def search(method, policy):
    return make_search(method, policy)


@pytest.mark.parametrize("evaluations", [1, 2, 37])
@every_method
def test_a_budget_of_evaluations_is_not_exceeded(toy, search, method, evaluations):
    outcome = run_search(search, toy, DIALS, Budget(evaluations=evaluations))
    assert outcome.evaluations == len(toy.calls) <= evaluations
    if method in ENDLESS:
        assert outcome.evaluations == evaluations


@every_method
def test_nothing_begins_after_a_budget_of_seconds(toy, clock, search, method):
    outcome = run_search(search, toy, DIALS, Budget(seconds=7.5), clock=clock)
    assert outcome.evaluations == len(toy.calls) <= 8, "each takes a second, and the eighth begins at 7.0 s"
    if method in ENDLESS:
        assert outcome.seconds == 8.0


@every_method
def test_the_first_of_two_limits_ends_it(toy, clock, search):
    assert run_search(search, toy, DIALS, Budget(seconds=100, evaluations=5), clock=clock).evaluations <= 5
    assert run_search(search, toy, DIALS, Budget(seconds=5, evaluations=100), clock=clock).seconds <= 5


@every_method
def test_the_seed_decides_and_nothing_else(toy, search, method):
    def run(seed):
        toy.calls.clear()
        outcome = run_search(search, toy, DIALS, Budget(evaluations=60), seed=seed)
        return list(toy.calls), outcome.best, [point[1:] for point in outcome.curve]

    np.random.seed(1)
    first = run(1)
    np.random.seed(2)
    before = np.random.get_state()[1].tolist()
    assert run(1) == first
    assert np.random.get_state()[1].tolist() == before, "the generator of the process is its owner's"
    if method in ENDLESS and method != "policy_beam":
        assert run(2) != first


@every_method
def test_each_run_starts_from_nothing(toy, search):
    calls = []
    for _ in range(2):
        run_search(search, toy, DIALS, Budget(evaluations=40))
        calls.append(list(toy.calls))
        toy.calls.clear()
    assert calls[0] == calls[1]
    measured = [toy.objective_key(state) for state in calls[0]]
    assert len(set(measured)) == len(measured), "nothing is measured twice"


@every_method
def test_the_curve_rises_and_ends_at_the_answer_to_which_the_actions_lead(toy, clock, search):
    outcome = run_search(search, toy, DIALS, Budget(evaluations=150), clock=clock, horizon=12)
    assert outcome.curve[0] == (1.0, 1, outcome.start.value)
    for before, after in itertools.pairwise(outcome.curve):
        assert after.value > before.value and after.seconds > before.seconds and after.evaluations > before.evaluations
    assert (
        outcome.curve[-1].value == outcome.claimed.value == max(toy.evaluate(state).value for state in list(toy.calls))
    )
    state = toy.initial(DIALS)
    for action in outcome.best.actions:
        state = toy.apply(state, action)
    assert state == outcome.best.state
    assert len(outcome.best.actions) <= 12 and toy.actions.index(STOP) not in outcome.best.actions


@every_method
def test_an_interrupt_is_answered_with_the_best_so_far(toy, search, monkeypatch):
    honest = toy.evaluate

    def evaluate(state):
        if len(toy.calls) == 3:
            raise KeyboardInterrupt
        return honest(state)

    monkeypatch.setattr(toy, "evaluate", evaluate)
    outcome = run_search(search, toy, DIALS, PLENTY)
    assert outcome.interrupted and outcome.evaluations == 4, "the one that was begun counts"
    assert outcome.claimed.value == max(honest(state).value for state in list(toy.calls))


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("best", ["a_first", "m_middle", "z_last"])
@every_method
def test_values_decide_and_not_names(method, best, higher_is_better):
    good, fair = (9.0, 7.0) if higher_is_better else (1.0, 3.0)
    values = {"": 5.0, **{name: good if name == best else fair for name in ("m_middle", "a_first", "z_last")}}
    problem = Map(values, higher_is_better)
    likes_the_best = FixedPolicy([2.0 if name == best else 1.0 for name in problem.actions])
    outcome = run_search(make_search(method, likes_the_best), problem, TASK, Budget(evaluations=4))
    assert [problem.actions[action] for action in outcome.best.actions] == [best]


@every_method
def test_a_failed_candidate_is_never_the_answer(toy, search, monkeypatch):
    honest = toy.evaluate

    def evaluate(state):
        evaluation = honest(state)
        return Evaluation(99.0, "share", 1.0, error="wrong result") if state.positions == (2,) else evaluation

    monkeypatch.setattr(toy, "evaluate", evaluate)
    outcome = run_search(search, toy, Benchmark("one", "toy", {"targets": [2]}), Budget(evaluations=30))
    assert outcome.claimed.verified and outcome.best.state.positions in [(1,), (3,)]


@every_method
def test_where_nothing_works_the_untuned_state_is_the_answer(search):
    class Broken(Toy):
        def evaluate(self, state):
            return Evaluation(0.0, "share", 1.0, error="" if state.positions == (0, 0) else "crash")

    outcome = run_search(search, Broken(), Benchmark("two", "toy", {"targets": [2, 3]}), Budget(evaluations=40))
    assert outcome.best.actions == () and outcome.claimed.verified


@every_method
def test_where_nothing_can_be_done_it_ends(search, monkeypatch):
    class Closed(Map):
        def legal(self, state):
            return np.zeros(len(self.actions), bool)

    monkeypatch.setattr(trial_module, "REPEATS_LIMIT", 100)
    outcome = run_search(search, Closed({"": 5.0, "up": 6.0}), TASK, Budget(evaluations=10))
    assert outcome.evaluations == 1 and outcome.best.actions == ()


@every_method
def test_where_there_is_one_thing_to_do_it_is_done(method, monkeypatch):
    monkeypatch.setattr(trial_module, "REPEATS_LIMIT", 100)
    only = run_search(make_search(method, FixedPolicy([1.0])), Map({"": 5.0, "up": 6.0}, horizon=1), TASK, PLENTY)
    assert only.evaluations == 2 and only.claimed.value == 6.0


@every_method
def test_a_search_that_has_seen_everything_ends(toy, search, monkeypatch):
    monkeypatch.setattr(trial_module, "REPEATS_LIMIT", 500)
    outcome = run_search(search, toy, Benchmark("one", "toy", {"targets": [2]}), Budget(evaluations=10**6))
    assert outcome.evaluations <= 8 and outcome.claimed.value == 1.0
