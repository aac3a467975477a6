"""Each search finds what it can find."""

from __future__ import annotations

import builtins
from functools import lru_cache
from statistics import mean

import numpy as np
import pytest

from eval.budget import Budget
from eval.searches import make_search, search_name
from eval.searches.annealing import COLD, HOT, temperature
from eval.searches.run import run_search
from eval.searches.sequences import mutated, play
from eval.trial import BudgetSpent, Trial
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.eval.problems import TASK, Map

PLENTY = Budget(evaluations=2000)
BEAMS = ["beam2", "beam4", "beam2dfs", "beam4dfs"]
VARYING = ["annealing", "genetic", "cma_es"]

TRAP = Map({"": 5.0, "shortcut": 6.0, "detour": 4.0, "detour detour": 3.0, "detour detour detour": 10.0})
"""What pays at once leads nowhere, and the way to the best is downhill twice."""


def task(*targets: int) -> Benchmark:
    return Benchmark("task", "toy", {"targets": list(targets)})


def test_greedy_with_look_ahead_one_climbs_one_dial(toy):
    outcome = run_search(make_search("greedy1"), toy, task(6), PLENTY)
    assert outcome.claimed.value == 1.0
    assert len(outcome.best.actions) == 6


def test_only_look_ahead_two_gets_past_a_move_that_wins_nothing(toy):
    short = run_search(make_search("greedy1"), toy, task(3, 4), PLENTY)
    far = run_search(make_search("greedy2"), toy, task(3, 4), PLENTY)
    assert short.claimed.value < 1.0, "moving the hand to the next dial does not pay at once"
    assert far.claimed.value == 1.0


@pytest.mark.parametrize("method", ["greedy1", "greedy2"])
def test_greedy_falls_into_a_trap(method):
    assert run_search(make_search(method), TRAP, TASK, PLENTY).claimed.value == 6.0


@pytest.mark.parametrize("method", [*BEAMS, *VARYING, "random"])
def test_the_others_get_out_of_it(method):
    outcome = run_search(make_search(method), TRAP, TASK, Budget(evaluations=5))
    assert outcome.claimed.value == 10.0
    assert [TRAP.actions[action] for action in outcome.best.actions] == ["detour"] * 3


def test_greedy_stops_at_the_optimum_and_leaves_the_rest_of_the_budget(toy):
    assert run_search(make_search("greedy2"), toy, task(0), PLENTY).evaluations < 5


@pytest.mark.parametrize("method", BEAMS)
def test_a_beam_goes_on_where_a_level_wins_nothing(toy, method):
    assert run_search(make_search(method), toy, task(3, 4), PLENTY).claimed.value == 1.0


def test_a_wider_beam_sees_more_and_both_end_at_the_horizon(toy):
    narrow, wide = (run_search(make_search(f"beam{width}"), toy, task(5, 6, 7), PLENTY, horizon=6) for width in (2, 4))
    assert narrow.evaluations < wide.evaluations < PLENTY.evaluations
    assert wide.claimed.value >= narrow.claimed.value


def test_depth_first_follows_the_best_child_to_its_end_and_leaves_out_what_is_beyond_the_width():
    values = {"a": 1.0, "b": 3.0, "c": 2.0, "b a": 0.5, "b b": 0.1, "b b a": 9.0, "c a": 0.3, "a a": 20.0}
    problem, order = Map({"": 0.0, **values}), []
    honest = problem.evaluate
    problem.evaluate = lambda state: order.append(" ".join(state)) or honest(state)
    outcome = run_search(make_search("beam2dfs"), problem, TASK, PLENTY)
    assert order == ["", "a", "b", "c", "b a", "b b", "b b a", "c a"]
    assert outcome.claimed.value == 9.0
    assert run_search(make_search("beam4dfs"), problem, TASK, PLENTY).claimed.value == 20.0


def test_depth_first_goes_on_from_a_state_that_it_later_reaches_by_fewer_actions():
    values = {"": 5.0, "a": 6.0, "a a": 6.0, "a a x": 1.0, "a a x goal": 10.0, "b": 4.0}
    problem = Map(values, horizon=3, same={"b x": "a a x"})
    outcome = run_search(make_search("beam2dfs"), problem, TASK, PLENTY)
    assert [problem.actions[action] for action in outcome.best.actions] == ["b", "x", "goal"]


def test_more_budget_never_hurts_random_search(toy):
    values = [
        run_search(make_search("random"), toy, task(5, 2, 7), Budget(evaluations=size)).claimed.value
        for size in (5, 20, 80, 200)
    ]
    assert values == sorted(values)
    assert values[0] < values[-1]


@lru_cache
def reached(method: str) -> tuple[float, ...]:
    """By seed, with twenty-one right turns on four dials and three moves to make, in at most twenty-eight actions."""
    toy, search, few = Toy(horizon=28), make_search(method), Budget(evaluations=300)
    return tuple(run_search(search, toy, task(7, 3, 6, 5), few, seed=seed).claimed.value for seed in range(3))


@pytest.mark.parametrize("method", VARYING)
def test_learning_from_what_was_seen_beats_chance(method):
    assert mean(reached(method)) > mean(reached("random")) + 0.05


@pytest.mark.parametrize("method", VARYING)
def test_learning_finds_the_optimum(method):
    outcome = run_search(make_search(method), Toy(horizon=20), task(7, 3, 6), Budget(evaluations=600))
    assert outcome.claimed.value == 1.0


def test_the_schedule_of_annealing_ends_with_the_budget(toy, clock):
    assert temperature(0.0) == HOT and temperature(1.0) == pytest.approx(COLD)
    assert temperature(0.25) / temperature(0.5) == pytest.approx(temperature(0.5) / temperature(0.75))
    rng = np.random.default_rng(0)
    for budget in (Budget(seconds=20), Budget(evaluations=20), Budget(seconds=20, evaluations=1000)):
        trial = Trial(toy, task(5, 5), budget, clock=clock)
        assert trial.progress == pytest.approx(1 / 20)
        with pytest.raises(BudgetSpent):
            while True:
                play(trial, (), rng)
        assert trial.progress == 1.0


def test_an_illegal_action_of_a_sequence_is_replaced_and_the_others_stay(toy):
    trial = Trial(toy, task(5, 5), PLENTY, horizon=4)
    raised, lowered = toy.actions.index("raise"), toy.actions.index("lower")
    played = play(trial, (raised, lowered, lowered, raised), np.random.default_rng(0))
    assert played.actions[:2] == (raised, lowered) and played.actions[2] != lowered and played.actions[3] == raised
    assert len(play(trial, (raised,), np.random.default_rng(0)).actions) == 4


def test_a_mutation_replaces_inserts_or_leaves_out_one_action():
    rng, parent = np.random.default_rng(0), [0, 1, 2, 3, 4, 5]
    alone = {len(parent) + change: 0 for change in (-1, 0, 1)}
    for _ in range(200):
        child = mutated(parent, 9, rng)
        alone[len(child)] += 1
        start = next((place for place, (one, other) in enumerate(zip(child, parent, strict=False)) if one != other), 0)
        behind = min(len(child), len(parent)) - start - 1
        assert child[len(child) - behind :] == parent[len(parent) - behind :] or start == 0
    assert all(count > 40 for count in alone.values())
    assert mutated([], 9, rng) == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("beam2bfs", "beam2"), ("beam4bfs_ln", "beam4"), ("beam4dfs", "beam4dfs"), ("greedy1_ln", "greedy1")],
)
def test_looptunes_names_are_understood(theirs, ours):
    assert search_name(theirs) == ours and make_search(theirs) is make_search(ours)
    assert search_name("looptune") == search_name("loop_tune_ln") == "policy"


def test_wrong_names_and_a_missing_policy_are_explained():
    with pytest.raises(UserError, match="did you mean 'greedy2'"):
        make_search("gredy2")
    with pytest.raises(UserError, match="none was given"):
        make_search("policy")


def test_a_missing_package_is_named(monkeypatch):
    honest = builtins.__import__

    def without_cma(name, *arguments, **options):
        if name == "cma":
            raise ImportError("No module named 'cma'")
        return honest(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_cma)
    with pytest.raises(MissingPackage, match=r"pip install 'tunewright\[eval\]'"):
        make_search("cma_es")
