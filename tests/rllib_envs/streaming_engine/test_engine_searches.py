"""Annealing and list scheduling: what their chains keep is right, seeds decide, and no start is made worse."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine import annealing, evolution, list_scheduling, random_search
from rllib_envs.streaming_engine.batched import BIT, evaluate_batch
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.chains import Chains
from rllib_envs.streaming_engine.choosers import at_random
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import feasible_task
from rllib_envs.streaming_engine.mapping import BadMapping, Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.solved import Disagreement, Progress
from rllib_envs.streaming_engine.solvers import SOLVERS
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.rllib_envs.streaming_engine.graphs import random_device, random_task

SEARCHES = {
    "annealing": annealing.solve,
    "list_scheduling": list_scheduling.solve,
    "random": random_search.solve,
}


@pytest.fixture
def task():
    return feasible_task("layered", 18, Device(1, 16, 6), Rules(), np.random.default_rng(1))


@pytest.mark.parametrize("seed", range(12))
def test_chains_are_scored_as_the_evaluator_does_after_any_steps(seed):
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(1, 14))
    task = random_task(rng, nodes, random_device(rng, nodes))
    tiles = np.zeros((nodes, 60), np.int16)
    for group in map(list, task.groups):
        tiles[group] = rng.integers(task.device.tiles, size=60)
    chains = Chains(task, tiles, rng.integers(task.device.spokes, size=(nodes, 60)))
    for step in range(60):
        chains.step(1.0, rng)
        if step % 20 == 19:
            chains.draw(rng.integers(60, size=60))
    outcomes = evaluate_batch(task, chains.tiles, chains.starts % task.device.spokes)
    assert not (outcomes.violated & (BIT["timing"] | BIT["tile_memory"])).any()
    assert (outcomes.valid == (chains.score.broken == 0)).all()
    assert (outcomes.makespans == np.where(outcomes.valid, chains.score.makespans, -1)).all()
    again = Chains(task, chains.tiles, chains.starts % task.device.spokes)
    assert (again.pairs == chains.pairs).all() and (again.starts == chains.starts).all()
    assert (again.score.energies == chains.score.energies).all()


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_reproducible_and_its_answer_holds(name, task):
    one, same, other = (SEARCHES[name](task, 60, np.random.default_rng(s), mappings=6_000) for s in (0, 0, 1))
    assert one.mapping == same.mapping != other.mapping
    assert evaluate(task, one.mapping).makespan == one.makespan == one.curve[-1][1] >= one.lower_bound
    assert 6_000 <= one.evaluations < 6_600


@pytest.mark.parametrize("name", SEARCHES)
def test_no_start_is_made_worse(name, task):
    decoded = decode(task, 500, at_random(np.random.default_rng(0)), look_ahead=True)
    good = annealing.solve(task, 60, np.random.default_rng(0), mappings=60_000)
    for start in (decoded.best(), good.mapping):
        solved = SEARCHES[name](task, 60, np.random.default_rng(7), start=start, mappings=300)
        assert solved.makespan <= evaluate(task, start).makespan


@pytest.mark.parametrize("name", [benchmark.name for benchmark in Suite.load("streaming_engine").benchmarks])
def test_annealing_reaches_the_proven_optima(name):
    """Which the tests of the exact solver name."""
    optima = {"mul_add": 10, "vector_add": 7, "fft_inner": 17, "fft_two_loops": 17, "distance": 37}
    (shipped,) = (Task.from_benchmark(b) for b in Suite.load("streaming_engine").benchmarks if b.name == name)
    assert annealing.solve(shipped, 60, np.random.default_rng(0), mappings=50_000).makespan == optima[name]


def test_evolution_is_reproducible_and_its_answer_holds(task):
    one, same = (evolution.solve(task, 60, np.random.default_rng(0), mappings=256) for _ in range(2))
    assert one.mapping == same.mapping and one.evaluations == same.evaluations == 256
    if one.mapping is not None:
        assert evaluate(task, one.mapping).makespan == one.makespan
    good = annealing.solve(task, 60, np.random.default_rng(0), mappings=6_000)
    kept = evolution.solve(task, 60, np.random.default_rng(0), start=good.mapping, mappings=64)
    assert kept.makespan <= good.makespan


@pytest.mark.parametrize("device", [Device(1, 4, 3, 4), Device(2, 4, 3)])
def test_evolution_finds_the_optimum_of_a_small_graph_on_a_row_and_on_a_grid(device):
    (shipped,) = (b for b in Suite.load("streaming_engine").benchmarks if b.name == "vector_add")
    small = Task(Task.from_benchmark(shipped).graph, device)
    optimum = annealing.solve(small, 60, np.random.default_rng(0), mappings=30_000)
    assert evolution.solve(small, 60, np.random.default_rng(0), mappings=6_000).makespan == optimum.makespan


def test_annealing_improves_on_list_scheduling(task):
    listed = list_scheduling.solve(task, 60, np.random.default_rng(0), mappings=10_000)
    annealed = annealing.solve(task, 60, np.random.default_rng(0), mappings=150_000)
    assert annealed.makespan < listed.makespan


@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_seen_to_be_infeasible_is_answered_with_the_reason(name):
    (benchmark,) = Suite.load("streaming_engine_infeasible").benchmarks
    solved = SEARCHES[name](Task.from_benchmark(benchmark), 60, np.random.default_rng(0))
    assert solved.infeasible and solved.seconds < 30
    assert ("tile_memory", "sibling") in {conflict.rules for conflict in solved.conflicts}


@pytest.mark.parametrize("name", SOLVERS)
def test_time_ends_a_search_on_a_large_task(name):
    large = feasible_task("gn", 60, Device(8, 8, 6), Rules(), np.random.default_rng(0))
    solved = SOLVERS[name](large, 0.5, np.random.default_rng(0))
    assert solved.seconds < 20 and not solved.infeasible and solved.lower_bound >= bounds(large).makespan
    assert solved.makespan is None or solved.makespan == evaluate(large, solved.mapping).makespan


@pytest.mark.parametrize("name", SOLVERS)
def test_bad_requests(name, task):
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UserError):
            SOLVERS[name](task, seconds, np.random.default_rng(0))
    with pytest.raises(BadMapping):
        SOLVERS[name](task, 1, np.random.default_rng(0), start=Mapping.empty(18))
    with pytest.raises(UserError):
        list_scheduling.solve(task, 1, np.random.default_rng(0), temperatures=(0.0,))
    with pytest.raises(UserError):
        annealing.solve(task, 1, np.random.default_rng(0), mappings=0)


def test_a_false_claim_is_an_error(task):
    mapping = decode(task, 50, at_random(np.random.default_rng(0)), look_ahead=True).best()
    makespan = evaluate(task, mapping).makespan
    progress = Progress(task, 1)
    with pytest.raises(Disagreement):
        progress.offer(mapping, makespan - 1)
    with pytest.raises(Disagreement):
        progress.offer(Mapping.empty(18), makespan)
    progress.offer(mapping, makespan)
    with pytest.raises(Disagreement):
        progress.answer(makespan + 1)
    with pytest.raises(Disagreement):
        progress.answer(0, infeasible=True)
    assert progress.answer(makespan).proven and not progress.answer(makespan - 1).proven
