"""The readable evaluator on cases worked out by hand, and the batched one against it on everything."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.streaming_engine.batched import BIT, as_arrays, evaluate_batch
from rllib_envs.streaming_engine.choosers import at_random
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.mapping import BadMapping, Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import DoesNotFit, Task
from tests.rllib_envs.streaming_engine.graphs import mapping_of, random_device, random_mappings, random_task

ROW = Device(1, 8, 6, 3)


def task(edges, count, rules=None, device=ROW, **memories):
    nodes = tuple(Node(f"n{i}", memories=memories.get(f"n{i}", ())) for i in range(count))
    return Task(ComputeGraph(nodes, edges), device, rules or Rules())


def test_times_of_a_chain():
    outcome = evaluate(task(((0, 1), (1, 2)), 3), Mapping((0, 0, 1), (0, 3, 1)))
    assert outcome.starts == (0, 3, 7) and outcome.readies == (3, 6, 10)
    assert outcome.valid and outcome.makespan == 10


def test_the_last_arrival_counts_not_the_last_ready_nor_the_last_listed():
    # Node 0 is ready at 8 beside the join, node 1 at 5 but five tiles away: its operand arrives last, at 10.
    join = task(((0, 2), (1, 2)), 3)
    outcome = evaluate(join, Mapping((6, 0, 5), (5, 2, 4)))
    assert outcome.starts == (5, 2, 10) and outcome.valid and outcome.makespan == 13
    assert evaluate(join, Mapping((6, 0, 5), (5, 2, 3))).broken == {"timing"}


def test_pass_timing_delays():
    far = task(((0, 1),), 2, Rules(pass_timing=True))
    assert evaluate(far, Mapping((0, 5), (0, 5))).starts == (0, 11)


def test_hops_of_a_grid():
    grid = task(((0, 1),), 2, device=Device(2, 4, 6, 3))
    assert evaluate(grid, Mapping((0, 7), (0, 1))).makespan == 10


@pytest.mark.parametrize(
    ("rule", "edges", "memories", "tiles", "spokes"),
    [
        ("sync_flow", (), {}, (2, 2), (0, 1)),
        ("tile_memory", (), {"n0": ("A",), "n1": ("A",)}, (2, 3), (0, 0)),
        ("sibling", ((0, 1), (0, 2), (1, 2)), {}, (0, 1, 1), (0, 4, 1)),
    ],
)
def test_each_rule_and_its_switch(rule, edges, memories, tiles, spokes):
    mapping = Mapping(tiles, spokes)
    outcome = evaluate(task(edges, len(tiles), **memories), mapping)
    assert outcome.broken == {rule} and outcome.makespan is None
    assert len(outcome.violations[0].nodes) == 2 and "n1" in outcome.violations[0].text
    assert evaluate(task(edges, len(tiles), Rules(**{rule: False}), **memories), mapping).valid


def test_a_slice_has_one_node():
    assert evaluate(task((), 2, Rules(sync_flow=False)), Mapping((1, 1), (2, 2))).broken == {"slice"}


def test_partial_mappings():
    outcome = evaluate(task(((0, 1), (1, 2)), 3), Mapping((0, -1, 1), (0, -1, 1)))
    assert outcome.legal and not outcome.valid and outcome.starts == (0, None, None)
    assert outcome.violations[0].nodes == (1,)
    assert Mapping.empty(3).place(0, 0, 0).place(2, 1, 1) == Mapping((0, -1, 1), (0, -1, 1))


@pytest.mark.parametrize(
    "mapping",
    [
        Mapping((8, 0), (0, 0)),
        Mapping((0, 0), (6, 0)),
        Mapping((-2, 0), (0, 0)),
        Mapping((-1, 0), (0, 0)),
        Mapping((0, 0), (-1, 0)),
        Mapping((0,), (0,)),
    ],
)
def test_what_is_no_mapping_is_refused_by_both(mapping):
    pair = task((), 2)
    with pytest.raises(BadMapping):
        evaluate(pair, mapping)
    with pytest.raises(BadMapping):
        evaluate_batch(pair, *as_arrays([mapping]))


def test_what_does_not_fit_is_refused():
    with pytest.raises(DoesNotFit, match="3 nodes and the device 2 slices"):
        task((), 3, device=Device(1, 2, 1))
    with pytest.raises(DoesNotFit, match="keeps 3 nodes on one tile"):
        task((), 3, device=Device(1, 4, 2), **{f"n{i}": ("A",) for i in range(3)})
    task((), 3, Rules(tile_memory=False), Device(1, 4, 2), **{f"n{i}": ("A",) for i in range(3)})


def assert_agree(task, tiles, spokes):
    outcomes = evaluate_batch(task, tiles, spokes)
    for column in range(tiles.shape[1]):
        outcome = evaluate(task, mapping_of(tiles, spokes, column))
        assert {name for name, bit in BIT.items() if outcomes.violated[column] & bit} == outcome.broken
        assert outcomes.makespans[column] == (outcome.makespan if outcome.valid else -1)


@pytest.mark.parametrize("seed", range(40))
def test_both_evaluators_agree(seed):
    """Random, valid, nearly valid and partial mappings; any graph, device and rules. 120 mappings a seed."""
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(1, 14))
    task = random_task(rng, nodes, random_device(rng, nodes))
    assert_agree(task, *random_mappings(rng, task, 40))
    decoded = decode(task, 80, at_random(rng), look_ahead=bool(seed % 2))
    tiles, spokes = decoded.tiles, decoded.spokes
    moved = rng.integers(nodes, size=40)
    tiles[moved, np.arange(40)] = rng.integers(task.device.tiles, size=40)
    spokes[moved, np.arange(40)] = rng.integers(task.device.spokes, size=40)
    assert_agree(task, tiles, spokes)


def test_both_agree_where_times_are_large():
    """Beyond what 16 bits hold."""
    rng = np.random.default_rng(0)
    nodes = 300
    graph = ComputeGraph(tuple(Node(f"n{i}") for i in range(nodes)), tuple((i, i + 1) for i in range(nodes - 1)))
    long = Task(graph, Device(1, 100, 64, 40))
    assert long.time_type == np.int32
    decoded = decode(long, 20, at_random(rng))
    assert decoded.complete.any() and decoded.makespans.max() > 2**14
    assert_agree(long, decoded.tiles, decoded.spokes)


def test_batches_of_any_size():
    rng = np.random.default_rng(0)
    chain = task(((0, 1),), 2)
    tiles, spokes = random_mappings(rng, chain, 20_000)
    whole = evaluate_batch(chain, tiles, spokes)
    assert evaluate_batch(chain, tiles[:, :0], spokes[:, :0]).violated.shape == (0,)
    parts = [
        evaluate_batch(chain, tiles[:, at : at + 7777], spokes[:, at : at + 7777]) for at in range(0, 20_000, 7777)
    ]
    assert (np.concatenate([part.makespans for part in parts]) == whole.makespans).all()
    assert (whole.valid == (whole.makespans >= 0)).all() and whole.valid.any() and not whole.valid.all()
