"""What a decision shows of nodes that come later: those that belong on the same tile, and one that must not."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.streaming_engine import candidate_features
from rllib_envs.streaming_engine.candidate_features import CANDIDATE_FEATURES, HOPS
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.generate import random_suite
from rllib_envs.streaming_engine.global_features import FEW, GLOBAL_FEATURES
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.lockstep import decode_with
from rllib_envs.streaming_engine.problem import StreamingEngine
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task

PULL, DETOUR, DELAY, CROWDING = map(CANDIDATE_FEATURES.index, ("group_pull", "rival_detour", "rival_delay", "crowding"))


def shown_before(memory: tuple[str, ...], actions: int) -> tuple[StreamingEngine, object]:
    """A root feeds a, b and c; a and b feed a hub, which shares tile memory with c, or doesn't. The state after so many
    decisions, in which a and b lie on tiles 1 and 6."""
    names = ("root", "a", "b", "c", "hub")
    graph = ComputeGraph(
        tuple(Node(name, memories=memory if name in ("c", "hub") else ()) for name in names),
        ((0, 1), (0, 2), (0, 3), (1, 4), (2, 4)),
    )
    problem = StreamingEngine(max_tiles=8, look_ahead=False)
    state = problem.initial(Task(graph, Device(1, 8, 4)).to_benchmark("hub"))
    for action in (0, 3, 1, 6, 4)[:actions]:  # the root's turn and tile, then tiles
        state = problem.apply(state, action)
    return problem, state


def test_it_shows_how_far_they_would_be_from_their_operands():
    problem, state = shown_before(("m",), 4)
    assert state.task.graph.nodes[state.task.graph.order[len(state.tiles)]].name == "c"
    seen, tiles = problem.observe(state), np.arange(8)
    # Operands count once as such, and once for the common descendant; the root's is a generation further down.
    expected = (2 * abs(tiles - 1) + 2 * abs(tiles - 6) + 0.5 * abs(tiles - 3)) / 4.5 / HOPS
    np.testing.assert_allclose(seen.tokens[:8, PULL], expected, rtol=1e-5)
    assert seen.globals[GLOBAL_FEATURES.index("group_operands")] == pytest.approx(2 / FEW)
    assert 0 < seen.globals[GLOBAL_FEATURES.index("group_tail")] < 1


@pytest.mark.parametrize(("memory", "actions"), [((), 4), (("m",), 3), (("m",), 5)])
def test_without_such_nodes_it_shows_nothing(memory, actions):
    """No shared memory; a node that shares none; and one whose group has a tile already."""
    problem, state = shown_before(memory, actions)
    seen = problem.observe(state)
    assert (seen.tokens[:8, PULL] == 0).all()
    assert seen.globals[GLOBAL_FEATURES.index("group_operands")] == 0
    assert seen.globals[GLOBAL_FEATURES.index("group_tail")] == 0


def test_it_shows_how_many_nodes_may_collide_on_a_tile():
    """Two more nodes come to a's tile later, one to b's. c will be followed by one, and d by none."""
    groups = {"a": "m", "a1": "m", "a2": "m", "b": "n", "b1": "n", "c": "o", "c1": "o"}
    names = ("root", "a", "b", "c", "d", "a1", "a2", "b1", "c1")
    nodes = tuple(Node(name, memories=(groups[name],) if name in groups else ()) for name in names)
    chain = tuple((node, node + 1) for node in range(8))
    problem = StreamingEngine(max_tiles=8, look_ahead=False)
    state = problem.initial(Task(ComputeGraph(nodes, chain), Device(1, 8, 4)).to_benchmark("chain"))
    for action in (0, 3, 1, 6):
        state = problem.apply(state, action)
    there, to_come = np.zeros(8), np.zeros(8)
    there[[3, 1, 6]], to_come[[1, 6]] = 1, (2, 1)
    expected = to_come + (there + to_come)  # c, and the one that it brings along
    np.testing.assert_allclose(problem.observe(state).tokens[:8, CROWDING], expected / 4)
    state = problem.apply(state, 0)
    to_come[0] = 1
    np.testing.assert_allclose(problem.observe(state).tokens[:8, CROWDING], to_come / 4)
    state = problem.apply(state, 5)  # d; a1's tile is settled
    assert (problem.observe(state).tokens[:8, CROWDING] == 0).all()


def test_preferring_tiles_where_nothing_collides_leaves_fewer_dead_ends(monkeypatch):
    problem, complete = StreamingEngine(), []
    tasks = [
        Task.from_benchmark(benchmark) for benchmark in random_suite("layered", [40], 12, Device(1, 64, 6), seed=1)
    ]
    for cycles in (0.0, candidate_features.COLLISION):
        monkeypatch.setattr(candidate_features, "COLLISION", cycles)
        rng = np.random.default_rng(0)

        def preferred(inputs, rng=rng):
            scores = inputs["tokens"][:, :64, CANDIDATE_FEATURES.index("preference")]
            return np.where(inputs["action_mask"], scores + rng.gumbel(size=scores.shape), -np.inf).argmax(axis=1)

        complete.append(np.mean([decode_with(problem, task, 64, preferred).complete.mean() for task in tasks]))
    assert 1 - complete[1] < 0.75 * (1 - complete[0])


def rivalled(edges: tuple[tuple[int, int], ...], rules: Rules = Rules()) -> tuple[StreamingEngine, object]:  # noqa: B008
    """A root feeds a, b, c and, by these edges, perhaps a hub. The state before c, with a and b on tiles 1 and 6."""
    graph = ComputeGraph(
        tuple(Node(name) for name in ("root", "a", "b", "c", "hub")), ((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), *edges)
    )
    problem = StreamingEngine(max_tiles=8, look_ahead=False)
    state = problem.initial(Task(graph, Device(1, 8, 4), rules).to_benchmark("hub"))
    for action in (0, 3, 1, 6):
        state = problem.apply(state, action)
    return problem, state


def test_it_shows_which_tile_a_rival_wants():
    """Near its three operands, but on the tile of none of its siblings."""
    problem, state = rivalled(((0, 4),))
    seen, tiles = problem.observe(state), np.arange(8)
    hops = (abs(tiles - 1) + abs(tiles - 6) + abs(tiles - 3)) / 3
    np.testing.assert_allclose(seen.tokens[:8, DETOUR], (hops - hops[3]) / HOPS, atol=1e-5)
    assert seen.globals[GLOBAL_FEATURES.index("rival_operands")] == pytest.approx(3 / FEW)


def test_the_tile_of_a_sibling_is_none_that_a_rival_may_have():
    """Its operands lie around tile 1 now, and that is taken."""
    problem, state = rivalled(((0, 4),))
    start = problem.initial(state.task.to_benchmark("hub"))
    for action in (0, 1, 1, 2):  # a on the root's tile, b beside it
        start = problem.apply(start, action)
    seen, tiles = problem.observe(start), np.arange(8)
    hops = (2 * abs(tiles - 1) + abs(tiles - 2)) / 3
    np.testing.assert_allclose(seen.tokens[:8, DETOUR], (hops - hops[0]) / HOPS, atol=1e-5)


def test_it_shows_when_a_rival_could_start():
    """It waits for b, which arrives last: tile 5 is the best for it, and one later where c takes that, as c may."""
    problem, state = rivalled(((0, 4),))
    seen, tiles, task = problem.observe(state), np.arange(8), state.task
    depth, period = task.device.pipeline_depth, task.device.spokes
    arrivals = [start + depth + abs(tiles - tile) for tile, start in ((3, 0), (1, depth + 2), (6, depth + 3))]
    starts = np.delete(np.max(arrivals, axis=0), [1, 6])
    best, next_best = np.sort(starts)[:2]
    assert (starts == best).sum() == 1 and next_best > best
    expected = np.where(tiles == np.delete(tiles, [1, 6])[starts.argmin()], (next_best - best) / period, 0)
    np.testing.assert_allclose(seen.tokens[:8, DELAY], expected, rtol=1e-6)
    assert seen.globals[GLOBAL_FEATURES.index("rival_outlook")] == pytest.approx((next_best - best) / period)
    exceeds = best + depth - (depth + 3 + depth + 1 + depth)  # the hub may not be on b's tile
    assert seen.globals[GLOBAL_FEATURES.index("rival_urgency")] == pytest.approx(exceeds / period)


def test_each_of_several_rivals_has_the_best_tile_that_the_ones_before_it_leave():
    """A root on tile 3 feeds all; a on tile 0 and b on 5 feed hub, a feeds join as well. c must leave both a tile."""
    names = ("root", "a", "b", "c", "hub", "join")
    edges = (*((0, other) for other in range(1, 6)), (1, 4), (2, 4), (1, 5))
    problem = StreamingEngine(max_tiles=8, look_ahead=False)
    task = Task(ComputeGraph(tuple(Node(name) for name in names), edges), Device(1, 8, 4))
    state = problem.initial(task.to_benchmark("two hubs"))
    for action in (0, 3, 0, 5):
        state = problem.apply(state, action)
    seen, tiles, depth = problem.observe(state), np.arange(8), task.device.pipeline_depth
    root, a, b = (start + depth + abs(tiles - tile) for tile, start in ((3, 0), (0, depth + 3), (5, depth + 2)))
    expected = np.zeros(8)
    barred = [0, 5]
    for starts in (np.max([root, a, b], axis=0), np.maximum(root, a)):
        starts[barred] = 99
        best, next_best = np.sort(starts)[:2]
        if best < next_best:
            expected[starts.argmin()] += next_best - best
        barred.append(starts.argmin())
    assert (expected > 0).sum() == 2
    np.testing.assert_allclose(seen.tokens[:8, DELAY], expected / task.device.spokes, rtol=1e-6)
    assert seen.globals[GLOBAL_FEATURES.index("rivals")] == pytest.approx(2 / FEW)
    assert seen.globals[GLOBAL_FEATURES.index("rival_operands")] == pytest.approx(3 / FEW)


def test_a_rival_without_any_tile_left_is_no_error():
    problem = StreamingEngine(max_tiles=8, look_ahead=False)
    graph = ComputeGraph(tuple(Node(name) for name in ("root", "a", "hub")), ((0, 1), (0, 2), (1, 2)))
    state = problem.initial(Task(graph, Device(1, 1, 8)).to_benchmark("hub"))
    for action in (0, 0):
        state = problem.apply(state, action)
    assert np.isfinite(problem.observe(state).tokens).all()


@pytest.mark.parametrize(("edges", "rules"), [((), Rules()), (((0, 4),), Rules(sibling=False))])
def test_without_a_rival_it_shows_nothing(edges, rules):
    """A hub that the root doesn't feed may be on any tile, and any may where siblings may share one."""
    problem, state = rivalled(edges, rules)
    seen = problem.observe(state)
    assert (seen.tokens[:8, [DETOUR, DELAY]] == 0).all()
    for name in ("rival_operands", "rivals", "rival_urgency", "rival_outlook"):
        assert seen.globals[GLOBAL_FEATURES.index(name)] == 0
