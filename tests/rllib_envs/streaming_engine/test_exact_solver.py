"""The exact solver against trying every mapping, on tiny tasks of any kind; infeasible ones with their reasons."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from rllib_envs.streaming_engine import exact
from rllib_envs.streaming_engine.batched import BIT, evaluate_batch
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.conflicts import explain
from rllib_envs.streaming_engine.exact_model import enforced
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.device import Device
from tests.rllib_envs.streaming_engine.graphs import all_mappings, random_task

TINY = (Device(1, 2, 3, 1), Device(1, 3, 2, 2), Device(2, 2, 2, 1), Device(1, 6, 1, 2), Device(1, 1, 6, 1), Device(3, 1, 2, 2))


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
