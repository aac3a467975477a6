"""The mapping problem: each state stands for an answer, in words where there is none; batches see what one sees."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark
from rllib_envs.registry import make_problem
from rllib_envs.streaming_engine.candidate_features import CANDIDATE_FEATURES
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import random_suite
from rllib_envs.streaming_engine.global_features import GLOBAL_FEATURES
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.lockstep import decode_with
from rllib_envs.streaming_engine.node_features import NODE_FEATURES
from rllib_envs.streaming_engine.placement import Placement
from rllib_envs.streaming_engine.problem import StreamingEngine
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from rllib_envs.tuning_env import TuningEnv
from tests.rllib_envs.streaming_engine.graphs import random_device, random_task

SHIPPED = {one.name: one for one in Suite.load("streaming_engine").benchmarks}


@pytest.fixture
def problem() -> StreamingEngine:
    return StreamingEngine()


def benchmark_of(task: Task) -> Benchmark:
    return task.to_benchmark("task")


def walk(problem, benchmark, rng):
    """The states of a random episode."""
    states = [problem.initial(benchmark)]
    while problem.legal(states[-1]).any():
        states.append(problem.apply(states[-1], int(rng.choice(np.flatnonzero(problem.legal(states[-1]))))))
    return states


@pytest.mark.parametrize("name", SHIPPED)
def test_every_state_stands_for_an_answer(problem, name):
    rng = np.random.default_rng(0)
    for _ in range(5):
        states = walk(problem, SHIPPED[name], rng)
        for state in states:
            evaluation, answer = problem.evaluate(state), problem.answer(state)
            assert evaluation.verified == (answer is not None)
            if answer is None:
                continue
            assert evaluate(state.task, answer).makespan == evaluation.value >= evaluation.details["bound"]
            for node, tile, spoke in zip(state.task.graph.order, state.tiles, state.spokes, strict=False):
                assert (answer.tiles[node], answer.spokes[node]) == (tile, spoke)
            if state.turn is not None:
                assert answer.spokes[state.task.graph.order[len(state.tiles)]] == state.turn
        roots = len(states[0].task.graph.roots)
        assert len(states) <= 1 + len(states[0].task.graph) + roots
        if states[-1].finished:
            assert len(states) == 1 + len(states[0].task.graph) + roots


def test_what_a_state_is_worth_does_not_depend_on_the_way_to_it(problem):
    """On the way, what list scheduling made of the state before is used again where it goes the same way."""
    rng = np.random.default_rng(2)
    for benchmark in random_suite("gn", [8, 14], 4, Device(1, 16, 6)):
        state = problem.initial(benchmark)
        while problem.legal(state).any():
            fresh = StreamingEngine()
            assert problem.evaluate(state) == fresh.evaluate(state) and problem.answer(state) == fresh.answer(state)
            assert (problem.legal(state) == fresh.legal(state)).all()
            answer, node = problem.answer(state), state.task.graph.order[len(state.tiles)]
            if answer is not None and rng.random() < 0.5:
                action = answer.spokes[node] if state.choosing_spoke else answer.tiles[node]
            else:
                action = int(rng.choice(np.flatnonzero(problem.legal(state))))
            state = problem.apply(state, action)


def test_an_infeasible_task_is_answered_with_the_reason(problem):
    (benchmark,) = Suite.load("streaming_engine_infeasible").benchmarks
    evaluation = problem.evaluate(problem.initial(benchmark))
    assert not evaluation.verified and "tile memory keeps them on one" in evaluation.error
    last = walk(problem, benchmark, np.random.default_rng(0))[-1]
    assert not last.finished and not problem.evaluate(last).verified


@pytest.mark.parametrize(
    ("nodes", "edges", "reason"),
    [
        (4, (), "4 roots need a tile each, and there are 3"),
        (5, ((0, 1), (0, 2), (0, 3), (0, 4)), "4 successors of n0 need a tile each, and there are 3"),
    ],
)
def test_what_counting_shows_to_be_infeasible_is_said(problem, nodes, edges, reason):
    task = Task(ComputeGraph(tuple(Node(f"n{i}") for i in range(nodes)), edges), Device(1, 3, 4))
    assert reason in problem.evaluate(problem.initial(benchmark_of(task))).error
    env = TuningEnv(problem, [benchmark_of(task)])
    inputs, _ = env.reset()
    ended = False
    while not ended:
        inputs, reward, ended, _, info = env.step(int(np.flatnonzero(inputs["action_mask"])[0]))
        assert reward == 0 and info["error"]


def preferred(problem: StreamingEngine, state: Placement) -> int:
    legal = problem.legal(state)
    tokens = problem.observe(state).tokens[: len(legal), CANDIDATE_FEATURES.index("preference")]
    return int(np.where(legal, tokens, -np.inf).argmax())


def test_the_untuned_state_is_list_scheduling(problem):
    for benchmark in SHIPPED.values():
        (baseline,) = problem.baselines().values()
        assert baseline(benchmark) == problem.evaluate(problem.initial(benchmark))


def test_learning_starts_from_list_scheduling(problem):
    """The preference in the observation leads where it goes, if no tile or slice must be left free."""
    rules = Rules(sibling=False, sync_flow=False, tile_memory=False)
    for benchmark in random_suite("layered", [9, 13], 4, Device(1, 16, 6), rules):
        state = problem.initial(benchmark)
        start = problem.evaluate(state)
        assert problem._prospect(state).completion.plain
        while not state.finished:
            state = problem.apply(state, preferred(problem, state))
            assert problem.evaluate(state) == start


def test_where_a_tile_must_be_left_free_the_preference_does_better_than_list_scheduling(problem):
    """Nearly all gn graphs have a hub that may not be on the tiles of its siblings."""
    listed, reached = [], []
    for benchmark in random_suite("gn", [20], 12, Device(1, 64, 6), seed=1):
        state = problem.initial(benchmark)
        listed.append(problem.evaluate(state).value)
        while not state.finished and problem.legal(state).any():
            state = problem.apply(state, preferred(problem, state))
        reached.append(problem.evaluate(state).value)
    assert np.mean(reached) < 0.97 * np.mean(listed)


def test_refusals_are_said_in_words(problem):
    state = problem.initial(SHIPPED["vector_add"])
    with pytest.raises(IllegalAction, match="the device has 6 spokes"):
        problem.apply(state, 6)
    state = problem.apply(state, 0)
    with pytest.raises(IllegalAction, match="the device has 16 tiles"):
        problem.apply(state, 16)
    state = problem.apply(problem.apply(state, 8), 0)
    with pytest.raises(IllegalAction, match="on one slice: tile 8, spoke 0"):
        problem.apply(state, 8)
    last = walk(problem, SHIPPED["mul_add"], np.random.default_rng(0))[-1]
    with pytest.raises(IllegalAction, match="all nodes are placed"):
        problem.apply(last, 0)
    blind, ahead = StreamingEngine(look_ahead=False), problem
    for seed in range(20):
        state = blind.initial(SHIPPED["fft_two_loops"])
        for state in walk(blind, SHIPPED["fft_two_loops"], np.random.default_rng(seed)):
            hidden = np.flatnonzero(blind.legal(state) & ~ahead.legal(state))
            if len(hidden) and ahead.legal(state).any() and not state.choosing_spoke:
                with pytest.raises(IllegalAction, match="no mapping can be completed"):
                    ahead.apply(state, int(hidden[0]))
                return
    raise AssertionError("look-ahead masked nothing")


def test_a_device_beyond_the_configuration_is_refused(problem):
    task = Task(ComputeGraph((Node("a"),), ()), Device(1, 65, 6))
    with pytest.raises(UserError, match=r"65 tiles and 6 spokes.*set max_tiles to 65"):
        problem.initial(benchmark_of(task))
    assert StreamingEngine(max_tiles=65).initial(benchmark_of(task)).task == task
    with pytest.raises(UserError, match="max_tiles is 0"):
        make_problem("streaming_engine", {"max_tiles": 0})


def test_what_is_remembered_has_a_limit(problem, monkeypatch):
    monkeypatch.setattr("rllib_envs.streaming_engine.problem.PROSPECTS_KEPT", 5)
    states = walk(problem, SHIPPED["fft_inner"], np.random.default_rng(0))
    assert len(problem._prospects) == 5
    fresh = StreamingEngine()
    for state in states:
        assert (problem.legal(state) == fresh.legal(state)).all()
        assert all((a == b).all() for a, b in zip(problem.observe(state), fresh.observe(state), strict=True))


def test_describing_shows_what_is_placed_and_what_was_added(problem):
    state = problem.initial(SHIPPED["mul_add"])
    assert "0 of 3 nodes placed; 10 cycles in all, and no fewer than 9" in problem.describe(state)
    state = problem.apply(problem.apply(state, 0), 4)
    first = state.task.graph.nodes[state.task.graph.order[0]].name
    text = problem.describe(state)
    assert "1 of 3" in text and f"tile   4: {first}@0" in text and text.count("(") == 2
    (hopeless,) = Suite.load("streaming_engine_infeasible").benchmarks
    assert "no slice is left for" in problem.describe(problem.initial(hopeless))


class TestFeatures:
    def test_they_are_finite_and_about_one_on_odd_tasks(self, problem):
        rng = np.random.default_rng(3)
        shown = []
        for _ in range(40):
            nodes = int(rng.integers(1, 12))
            benchmark = benchmark_of(random_task(rng, nodes, random_device(rng, nodes)))
            shown += [policy_input(problem, state, 1.0) for state in walk(problem, benchmark, rng)]
        tokens = np.stack([one["tokens"] for one in shown])
        assert np.isfinite(tokens).all() and np.abs(tokens).max() <= 8
        assert np.abs(np.stack([one["globals"] for one in shown])).max() <= 4
        spread = tokens.reshape(-1, tokens.shape[-1]).std(axis=0)
        assert (spread[: len(CANDIDATE_FEATURES)] > 0.01).all() and (spread[-4:] > 0.01).all()
        assert np.mean(np.abs(tokens) > 2) < 0.05

    def test_names_fit_the_spec(self, problem):
        features = problem.spec.token_features - problem.spec.links
        assert features == max(len(CANDIDATE_FEATURES), len(NODE_FEATURES))
        assert problem.spec.global_features == len(GLOBAL_FEATURES)

    def test_a_larger_device_looks_the_same_in_its_middle(self, problem):
        """Features say nothing about the size of the device, but for where its middle and its borders are."""
        rows = []
        for tiles in (15, 31):
            task = Task.from_benchmark(SHIPPED["fft_inner"])
            state = problem.initial(benchmark_of(Task(task.graph, Device(1, tiles, 6))))
            for offset in (0, 1, -1, 0, 2):
                while state.choosing_spoke:
                    state = problem.apply(state, int(np.flatnonzero(problem.legal(state))[0]))
                legal, middle = problem.legal(state), tiles // 2
                near = [middle + offset + step for step in (0, 1, -1, 2, -2, 3, -3) if legal[middle + offset + step]]
                state = problem.apply(state, near[0])
            if state.choosing_spoke:
                state = problem.apply(state, 0)
            rows.append(problem.observe(state).tokens[tiles // 2 - 3 : tiles // 2 + 4])
        same = [CANDIDATE_FEATURES.index(name) for name in CANDIDATE_FEATURES if name != "outlying"]
        np.testing.assert_allclose(rows[0][:, same], rows[1][:, same], atol=1e-6)

    def test_links_lead_to_predecessors_and_to_the_tile(self, problem):
        states = walk(problem, SHIPPED["fft_inner"], np.random.default_rng(0))
        state = next(state for state in states if len(state.tiles) == 9 and not state.choosing_spoke)
        order, first = state.task.graph.order, len(problem.actions)
        shown = [*order[9:], *reversed(order[:9])]
        links = np.round(problem.observe(state).tokens[:, -4:] * problem.spec.max_tokens).astype(int) - 1
        tiles = dict(zip(order, state.tiles, strict=False))
        for row, node in enumerate(shown):
            linked = {int(one) - first for one in links[first + row, :3] if one >= 0}
            assert linked == {shown.index(other) for other in state.task.graph.predecessors[node]}
            assert node not in tiles or links[first + row, 3] == tiles[node]
        assert (links[:first] == -1).all()


@pytest.mark.parametrize("rules", [Rules(), Rules(pass_timing=True, sibling=False)])
def test_a_batch_is_shown_what_each_of_its_mappings_is(problem, rules):
    """Episodes in lockstep, each followed by itself; grids too."""
    rng = np.random.default_rng(4)
    for device in (Device(1, 16, 6), Device(3, 5, 4)):
        task = Task(Task.from_benchmark(random_suite("layered", [12], 1, Device())[0]).graph, device, rules)
        states = [problem.initial(benchmark_of(task))] * 20
        seen = 0

        def choose(inputs, states=states):
            nonlocal seen
            actions = np.zeros(20, int)
            for lane, state in enumerate(states):
                legal = problem.legal(state)
                if not legal.any():  # a dead end; the rest of this episode means nothing
                    continue
                seen += 1
                shown = policy_input(problem, state, float(inputs["globals"][lane, -1]))
                for name, array in shown.items():
                    np.testing.assert_allclose(inputs[name][lane], array, atol=1e-6, err_msg=name)
                actions[lane] = rng.choice(np.flatnonzero(legal))
                states[lane] = problem.apply(state, int(actions[lane]))
            return actions

        decoded = decode_with(problem, task, 20, choose)
        for lane, state in enumerate(states):
            assert decoded.complete[lane] == state.finished
            if state.finished:
                assert decoded.mapping(lane) == problem.answer(state)
                assert decoded.makespans[lane] == problem.evaluate(state).value
        assert seen > 100 and decoded.complete.any()


@pytest.mark.parametrize("device", [Device(1, 16, 6), Device(3, 5, 4)])
def test_completed_on_the_way_an_episode_is_worth_its_best_state(problem, device):
    task = Task(Task.from_benchmark(random_suite("layered", [10], 1, Device())[0]).graph, device)
    states = [problem.initial(benchmark_of(task))] * 8
    seen: list[list[float]] = [[] for _ in states]
    rng = np.random.default_rng(5)

    def note() -> None:
        for lane, state in enumerate(states):
            evaluation, choosing_tile_of_root = problem.evaluate(state), state.turn is not None
            if evaluation.verified and not choosing_tile_of_root and problem._prospect(state).completion.plain:
                seen[lane].append(evaluation.value)

    def choose(inputs):
        note()
        actions = inputs["action_mask"].argmax(axis=1)  # counts where an episode has ended in a dead end
        for lane, state in enumerate(states):
            legal = problem.legal(state)
            if legal.any():
                actions[lane] = rng.choice(np.flatnonzero(legal))
                states[lane] = problem.apply(state, int(actions[lane]))
        return actions

    decoded = decode_with(problem, task, len(states), choose, completed=True)
    note()
    for lane, values in enumerate(seen):
        assert evaluate(task, decoded.mapping(lane)).makespan == decoded.makespans[lane] == min(values)
