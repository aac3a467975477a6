"""The decoder: its mask is the rules, look-ahead masks nothing that can be completed, its answers are judged anew."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction
from rllib_envs.streaming_engine.batched import BIT, evaluate_batch
from rllib_envs.streaming_engine.choosers import at_random, by_score, earliest, sampled
from rllib_envs.streaming_engine.decoder import Decoder, decode, legal_slices
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.mapping import BadMapping, Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.rllib_envs.streaming_engine.graphs import random_device, random_task

SHIPPED = {
    benchmark.name: Task.from_benchmark(benchmark)
    for suite in ("streaming_engine", "streaming_engine_infeasible")
    for benchmark in Suite.load(suite).benchmarks
}


def slices_by_the_rules(task, mapping, node):
    """bool [slices]: where the readable evaluator finds nothing wrong but that others are unplaced."""
    spokes = task.device.spokes
    tries = (mapping.place(node, at // spokes, at % spokes) for at in range(task.device.slices))
    return np.array([evaluate(task, candidate).legal for candidate in tries])


@pytest.mark.parametrize("seed", range(25))
def test_the_mask_is_the_rules(seed):
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(2, 11))
    task = random_task(rng, nodes, random_device(rng, nodes))
    mapping = Mapping.empty(nodes)
    for node in task.graph.order:
        legal = legal_slices(task, mapping)
        assert (legal == slices_by_the_rules(task, mapping, node)).all()
        if not legal.any():
            break
        chosen = int(rng.choice(np.flatnonzero(legal)))
        mapping = mapping.place(node, chosen // task.device.spokes, chosen % task.device.spokes)
    else:
        assert evaluate(task, mapping).valid and not legal_slices(task, mapping).any()


def completable(task, mapping, step, memory):
    """Whether any mapping completes this one; every one of them is tried."""
    if step == len(task.graph):
        return True
    if mapping not in memory:
        node, spokes = task.graph.order[step], task.device.spokes
        memory[mapping] = any(
            completable(task, mapping.place(node, int(at) // spokes, int(at) % spokes), step + 1, memory)
            for at in np.flatnonzero(legal_slices(task, mapping))
        )
    return memory[mapping]


def test_look_ahead_never_masks_what_can_be_completed():
    masked = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        task = random_task(rng, int(rng.integers(3, 6)), Device(1, 3, 2, 2) if seed % 2 else Device(1, 2, 3, 3))
        memory = {}
        for _ in range(3):
            mapping = Mapping.empty(len(task.graph))
            for step, node in enumerate(task.graph.order):
                base, ahead = legal_slices(task, mapping), legal_slices(task, mapping, look_ahead=True)
                assert not (ahead & ~base).any()
                for at in np.flatnonzero(base):
                    child = mapping.place(node, int(at) // task.device.spokes, int(at) % task.device.spokes)
                    possible = completable(task, child, step + 1, memory)
                    assert ahead[at] or not possible, (seed, mapping, at)
                    masked += not ahead[at]
                if not ahead.any():
                    break
                chosen = int(rng.choice(np.flatnonzero(ahead)))
                mapping = mapping.place(node, chosen // task.device.spokes, chosen % task.device.spokes)
    assert masked > 100


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("look_ahead", [False, True])
def test_what_is_decoded_is_legal_and_its_makespans_are_right(seed, look_ahead):
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(1, 25))
    task = random_task(rng, nodes, random_device(rng, nodes))
    choose = (at_random(rng), sampled(earliest, 0.5, rng), by_score(earliest))[seed % 3]
    decoded = decode(task, 300, choose, look_ahead)
    outcomes = evaluate_batch(task, decoded.tiles, decoded.spokes)
    assert not (outcomes.violated & ~BIT["unplaced"]).any()
    assert (outcomes.makespans == decoded.makespans).all() and (outcomes.valid == decoded.complete).all()


@pytest.mark.parametrize(
    ("name", "makespan"), [("mul_add", 10), ("vector_add", 7), ("fft_inner", 17), ("fft_two_loops", 17)]
)
def test_noisy_list_scheduling_finds_the_best_known(name, makespan):
    decoded = decode(SHIPPED[name], 8192, sampled(earliest, 0.5, np.random.default_rng(0)), look_ahead=True)
    best = decoded.best()
    assert evaluate(SHIPPED[name], best).makespan == makespan


@pytest.mark.parametrize("name", ["fft_inner", "fft_two_loops"])
def test_look_ahead_leaves_few_dead_ends(name):
    done = [
        decode(SHIPPED[name], 2000, at_random(np.random.default_rng(0)), look_ahead).complete.mean()
        for look_ahead in (False, True)
    ]
    assert done[0] < 0.5 and done[1] > 0.9


def test_look_ahead_follows_a_chain_of_nodes_that_have_one_slice_each():
    """After x come two nodes on tiles that are settled, a's and c's: where x goes says when both start."""
    memories = {"a": ("m",), "on_a": ("m",), "c": ("n",), "on_c": ("n",)}
    nodes = tuple(Node(name, memories=memories.get(name, ())) for name in ("root", "a", "c", "x", "on_a", "on_c"))
    task = Task(ComputeGraph(nodes, ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5))), Device(1, 9, 3))
    step = task.graph.order.index(3)
    assert task.graph.order[step:] == (3, 4, 5)
    seen = {True: 0, False: 0}
    for tiles in ((4, 2, 5), (4, 3, 5), (4, 7, 1)):
        decoder = Decoder(task, 1)
        for tile in tiles:
            candidates = decoder.candidates()
            decoder.place(candidates, np.array([candidates.tiles.tolist().index(tile)]))
        mapping = decoder.result().mapping(0)
        ahead = legal_slices(task, mapping, look_ahead=True)
        for at in np.flatnonzero(legal_slices(task, mapping)):
            possible = completable(task, mapping.place(3, int(at) // 3, int(at) % 3), step + 1, {})
            assert ahead[at] == possible
            seen[possible] += 1
    assert min(seen.values()) > 3


def test_look_ahead_sees_two_siblings_in_one_memory_at_once():
    infeasible = SHIPPED["fft_two_loops_shared_twiddle"]
    empty = Mapping.empty(len(infeasible.graph))
    assert legal_slices(infeasible, empty).any() and not legal_slices(infeasible, empty, look_ahead=True).any()
    assert decode(infeasible, 100, at_random(np.random.default_rng(0))).best() is None


def test_the_same_seed_gives_the_same_episodes():
    one, same, other = (
        decode(SHIPPED["fft_inner"], 3000, at_random(np.random.default_rng(seed)), True).tiles for seed in (1, 1, 2)
    )
    assert (one == same).all() and (one != other).any()


def test_random_choices_are_even():
    """Two independent roots on four slices of two tiles: 8 mappings, each as likely."""
    pair = Task(ComputeGraph((Node("a"), Node("b")), ()), Device(1, 2, 2))
    decoded = decode(pair, 8000, at_random(np.random.default_rng(0)))
    codes = ((decoded.tiles[0] * 2 + decoded.spokes[0]) * 2 + decoded.tiles[1]) * 2 + decoded.spokes[1]
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == 8 and counts.min() > 850 and counts.max() < 1150


def test_samples_follow_the_scores():
    """One root, two slices, scores 0 and log 3 at temperature 1: a quarter and three quarters."""
    single = Task(ComputeGraph((Node("a"),), ()), Device(1, 2, 1))
    score = np.array([[0.0], [np.log(3.0)]], np.float32)
    decoded = decode(single, 8000, sampled(lambda *_: score, 1.0, np.random.default_rng(0)))
    assert abs((decoded.tiles[0] == 1).mean() - 0.75) < 0.02


def test_a_masked_choice_is_refused():
    decoder = Decoder(SHIPPED["vector_add"], 4)
    decoder.place(decoder.candidates(), np.zeros(4, int))
    candidates = decoder.candidates()
    masked = int(np.flatnonzero(~candidates.legal[:, 2])[0])
    with pytest.raises(IllegalAction, match="masked"):
        decoder.place(
            candidates, np.array([int(candidates.legal[:, i].argmax()) if i != 2 else masked for i in range(4)])
        )


def test_a_copy_goes_its_own_way():
    decoder = Decoder(SHIPPED["fft_inner"], 2, look_ahead=True)
    copy = decoder.copy()
    candidates = copy.candidates()
    copy.place(candidates, candidates.legal.argmax(axis=0))
    assert decoder.step == 0 and (decoder.tiles == -1).all() and (decoder.taken == 0).all()
    assert copy.task is decoder.task and (decoder.candidates().legal == candidates.legal).all()


@pytest.mark.parametrize("look_ahead", [False, True])
def test_resuming_is_going_on(look_ahead):
    rng = np.random.default_rng(3)
    task = SHIPPED["fft_two_loops"]
    decoder = Decoder(task, 1, look_ahead)
    while not decoder.finished:
        candidates = decoder.candidates()
        resumed = Decoder.resume(task, decoder.result().mapping(0), look_ahead).candidates()
        assert resumed.node == candidates.node and (resumed.legal == candidates.legal).all()
        assert (resumed.starts == candidates.starts).all()
        if not candidates.legal.any():
            break
        decoder.place(candidates, at_random(rng)(decoder, candidates))


@pytest.mark.parametrize("mapping", [Mapping((0, -1, -1), (2, -1, -1)), Mapping((-1, 0, -1), (-1, 0, -1))])
def test_what_no_episode_can_reach_is_not_resumed(mapping):
    chain = Task(ComputeGraph(tuple(Node(f"n{i}") for i in range(3)), ((1, 0), (0, 2))), Device(1, 4, 3), Rules())
    if mapping.placed(1):
        assert Decoder.resume(chain, mapping).step == 1
        mapping = mapping.place(0, 0, 1)  # it starts in cycle 3, spoke 0
    with pytest.raises(BadMapping):
        Decoder.resume(chain, mapping)
