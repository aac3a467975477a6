"""The exact solver against trying every mapping, on tiny tasks of any kind; infeasible ones with their reasons."""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
import pytest

from rllib_envs.errors import MissingPackage
from rllib_envs.streaming_engine import exact
from rllib_envs.streaming_engine.batched import BIT, evaluate_batch
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.choosers import at_random
from rllib_envs.streaming_engine.conflicts import explain
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.exact_model import enforced
from rllib_envs.streaming_engine.generate import feasible_task
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.rllib_envs.streaming_engine.graphs import all_mappings, random_task

TINY = (
    Device(1, 2, 3, 1),
    Device(1, 3, 2, 2),
    Device(2, 2, 2, 1),
    Device(1, 6, 1, 2),
    Device(1, 1, 6, 1),
    Device(3, 1, 2, 2),
)


def minimal_conflicts(task, violated):
    """Sets of rules that no mapping obeys and all whose subsets some mapping does, from what each one violates."""
    rules = enforced(task)
    met = {frozenset(r for r in rules if not bits & BIT[r]) for bits in np.unique(violated)}
    sets = [frozenset(some) for size in range(len(rules) + 1) for some in combinations(rules, size)]
    impossible = [some for some in sets if not any(some <= one for one in met)]
    return {some for some in impossible if not any(other < some for other in impossible)}


@pytest.mark.parametrize("part", range(4))
def test_optima_and_conflicts_are_those_of_trying_everything(part):
    infeasible = 0
    for seed in range(part * 15, part * 15 + 15):
        rng = np.random.default_rng(seed)
        task = random_task(rng, int(rng.integers(1, 6)), TINY[seed % len(TINY)])
        tiles, spokes = all_mappings(task)
        outcomes = evaluate_batch(task, tiles, spokes)
        solved = exact.solve(task, 20, rng)
        assert solved.proven
        if outcomes.valid.any():
            best = outcomes.makespans[outcomes.valid].min()
            assert solved.makespan == best == solved.lower_bound and bounds(task).makespan <= best
            assert evaluate(task, solved.mapping).makespan == best and explain(task, 5) == ()
        else:
            infeasible += 1
            assert solved.infeasible
            assert {frozenset(c.rules) for c in solved.conflicts} == minimal_conflicts(task, outcomes.violated)
            assert all(conflict.minimal for conflict in solved.conflicts)
    assert 0 < infeasible < 15


def a_task(device, rules, nodes, edges=(), **memories):
    """Memories by name: the nodes that use each."""
    users = [tuple(name for name, used in memories.items() if node in used) for node in range(nodes)]
    return Task(ComputeGraph(tuple(Node(f"n{i}", memories=users[i]) for i in range(nodes)), edges), device, rules)


FREE = Rules(sync_flow=False)
BARE = Rules(sync_flow=False, sibling=False)
TRIANGLE = ((0, 1), (0, 2), (3, 4), (3, 5))


@pytest.mark.parametrize(
    ("task", "conflicts"),
    [
        # One rule: more roots, or siblings, than tiles.
        (a_task(Device(1, 2, 6), Rules(), 3), {("sync_flow",): (0, 1, 2)}),
        (
            a_task(Device(1, 2, 6), FREE, 4, ((0, 1), (0, 2), (0, 3))),
            {("sibling",): (1, 2, 3), ("slice", "timing"): (0, 1, 2, 3)},
        ),
        # Two of them: what must be apart is kept together; a result comes back to the only slice that it left from;
        # three pairs for two tiles of three spokes.
        (a_task(Device(1, 4, 6), Rules(), 2, M={0, 1}), {("tile_memory", "sync_flow"): (0, 1)}),
        (a_task(Device(1, 1, 3, 3), Rules(), 3, ((0, 1), (1, 2))), {("slice", "timing"): (0, 1)}),
        (
            a_task(Device(1, 3, 3), FREE, 9, A={0, 1}, B={2, 3}, C={4, 5}, D={6, 7}),
            {("slice", "tile_memory"): tuple(range(8))},
        ),
        # Three: siblings in one memory start together; three groups, each apart from the others by another rule.
        (a_task(Device(1, 4, 6), BARE, 3, ((0, 1), (0, 2)), M={1, 2}), {("slice", "timing", "tile_memory"): (1, 2)}),
        (
            a_task(Device(1, 2, 12, 3), Rules(), 6, TRIANGLE, A={0, 1}, B={3, 4}, C={2, 5}),
            {
                ("tile_memory", "sync_flow", "sibling"): tuple(range(6)),
                ("slice", "timing", "tile_memory", "sync_flow"): tuple(range(6)),  # siblings start together
            },
        ),
        # Two conflicts at once.
        (
            a_task(Device(1, 4, 6), FREE, 3, ((0, 1), (0, 2)), M={1, 2}),
            {("tile_memory", "sibling"): (1, 2), ("slice", "timing", "tile_memory"): (1, 2)},
        ),
    ],
)
def test_infeasible_tasks_are_explained(task, conflicts):
    solved = exact.solve(task, 30, np.random.default_rng(0))
    assert solved.infeasible and solved.makespan is None and not solved.curve
    assert {conflict.rules: conflict.nodes for conflict in solved.conflicts} == conflicts
    assert all(conflict.minimal and "n1" in conflict.text for conflict in solved.conflicts)


@pytest.mark.parametrize(
    ("suite", "name", "optimum"),
    [
        ("streaming_engine", "mul_add", 10),
        ("streaming_engine", "vector_add", 7),
        ("streaming_engine", "fft_inner", 17),
        ("streaming_engine", "fft_two_loops", 17),
        ("streaming_engine", "distance", 37),
        ("streaming_engine_infeasible", "fft_two_loops_shared_twiddle", None),
    ],
)
def test_shipped_graphs_are_settled(suite, name, optimum):
    (task,) = (Task.from_benchmark(b) for b in Suite.load(suite).benchmarks if b.name == name)
    solved = exact.solve(task, 120, np.random.default_rng(0))
    assert solved.proven and solved.makespan == optimum and solved.infeasible == (optimum is None)
    if optimum is not None:
        assert evaluate(task, solved.mapping).makespan == optimum == solved.lower_bound == solved.curve[-1][1]


def test_a_slow_start_is_improved_and_the_seed_decides():
    task = feasible_task("layered", 14, Device(1, 16, 6), Rules(), np.random.default_rng(1))
    decoded = decode(task, 64, at_random(np.random.default_rng(0)), look_ahead=True)
    slowest = decoded.mapping(int(decoded.makespans.argmax()))
    answers = [exact.solve(task, 60, np.random.default_rng(5), start=slowest) for _ in range(2)]
    first = answers[0]
    assert first.curve[0][1] == decoded.makespans.max() > first.makespan and first.proven
    assert [makespan for _, makespan in first.curve] == sorted({one for _, one in first.curve}, reverse=True)
    assert answers[1].mapping == first.mapping
    assert exact.solve(task, 60, np.random.default_rng(6), workers=2).makespan == first.makespan


def test_time_ends_with_a_bound_and_no_proof():
    task = feasible_task("gn", 40, Device(1, 64, 6), Rules(), np.random.default_rng(2))
    solved = exact.solve(task, 1, np.random.default_rng(0))
    assert not solved.proven and not solved.infeasible and solved.seconds < 20
    assert bounds(task).makespan <= solved.lower_bound < solved.makespan == evaluate(task, solved.mapping).makespan


def test_hardly_any_time_is_no_fault():
    task = feasible_task("gn", 20, Device(1, 16, 6), Rules(), np.random.default_rng(2))
    assert not exact.solve(task, 1e-4, np.random.default_rng(0)).infeasible
    assert explain(task, 1e-4) == ()


def test_without_or_tools_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(MissingPackage, match=r"tunewright\[solvers\]"):
        exact.solve(a_task(Device(), Rules(), 2), 1, np.random.default_rng(0))
