"""One mapping in plain numbers: it allows what the decoder allows, and list scheduling completes it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from rllib_envs.streaming_engine.choosers import by_score, earliest
from rllib_envs.streaming_engine.completion import TRIES, complete, run
from rllib_envs.streaming_engine.decoder import Decoder, decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import random_suite
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.partial import PartialMapping
from rllib_envs.streaming_engine.task import Task
from tests.rllib_envs.streaming_engine.graphs import random_device, random_task


def every_slice(partial):
    """For each candidate of the decoder, tile by tile, whether it is allowed, and when the node would start."""
    tiles, spokes = partial.task.device.tiles, partial.task.device.spokes
    if not partial.at_root:
        starts = partial.arrivals()
        return partial.legal_tiles(starts), starts
    by_spoke = [partial.legal_tiles([spoke] * tiles) for spoke in range(spokes)]
    assert [any(legal) for legal in by_spoke] == partial.legal_spokes()
    return [by_spoke[spoke][tile] for tile in range(tiles) for spoke in range(spokes)], list(range(spokes)) * tiles


@pytest.mark.parametrize("look_ahead", [False, True])
def test_it_allows_what_the_decoder_allows(look_ahead):
    rng, seen = np.random.default_rng(0), 0
    for _ in range(60):
        nodes = int(rng.integers(2, 14))
        task = random_task(rng, nodes, random_device(rng, nodes))
        partial, decoder = PartialMapping(task, look_ahead), Decoder(task, 1, look_ahead)
        while not decoder.finished:
            candidates = decoder.candidates()
            legal, starts = every_slice(partial)
            assert starts == candidates.starts[:, 0].tolist() and legal == candidates.legal[:, 0].tolist()
            seen += sum(legal)
            if not any(legal):
                break
            chosen = int(rng.choice(np.flatnonzero(legal)))
            decoder.place(candidates, np.array([chosen]))
            before = partial.copy()
            partial.place(int(candidates.tiles[chosen]), starts[chosen])
            assert before.step == partial.step - 1 and every_slice(before) == (legal, starts)
        assert partial.mapping() == decoder.result().mapping(0)
    assert seen > 1000


def test_memories_that_share_a_node_keep_all_their_nodes_on_one_tile():
    """a and b share one, b and c another: with look-ahead c goes where a is, though it shares none with it."""
    nodes = tuple(Node(name, memories=memories) for name, memories in (("a", ("m",)), ("b", ("m", "n")), ("c", ("n",))))
    task = Task(ComputeGraph(nodes, ((0, 2), (2, 1))), Device(1, 4, 3))
    for look_ahead, tiles in ((False, 4), (True, 1)):
        partial, decoder = PartialMapping(task, look_ahead), Decoder(task, 1, look_ahead)
        decoder.place(decoder.candidates(), np.array([6]))  # tile 2, spoke 0
        partial.place(2, 0)
        assert sum(partial.legal_tiles(partial.arrivals())) == decoder.candidates().legal.sum() <= tiles


def central(decoder, candidates):
    """Earliest start, and of equals the tile in the middle: what list scheduling takes."""
    tiles = decoder.task.device.tiles
    return earliest(decoder, candidates) - np.abs(candidates.tiles - (tiles - 1) / 2 + 0.1)[:, None] / (2 * tiles)


def test_list_scheduling_is_the_decoder_with_the_earliest_start():
    for benchmark in random_suite("layered", [6, 12, 18], 5, Device(1, 16, 6)):
        task = Task.from_benchmark(benchmark)
        decoded, scheduled = decode(task, 1, by_score(central), look_ahead=True), run(PartialMapping(task))
        assert scheduled.finished == decoded.complete[0]
        if scheduled.finished:
            assert scheduled.mapping() == decoded.mapping(0)


def test_what_is_completed_keeps_what_was_placed_and_is_valid():
    rng, tried_again = np.random.default_rng(1), 0
    for benchmark in random_suite("gn", [10, 16], 6, Device(1, 16, 6)):
        partial = PartialMapping(Task.from_benchmark(benchmark))
        while not partial.finished:
            completion = complete(partial)
            done = completion.partial
            assert complete(partial).partial.mapping() == done.mapping()
            tried_again += not completion.plain
            if done.finished:
                outcome = evaluate(partial.task, done.mapping())
                assert outcome.makespan == max(done.starts) + partial.task.device.pipeline_depth
            else:
                assert not any(run(partial, None, Random(number)).finished for number in range(1, TRIES))
            placed = partial.task.graph.order[: partial.step]
            assert all(done.tiles[node] == partial.tiles[node] for node in placed)
            starts = [0] * len(partial.taken) if partial.at_root else partial.arrivals()
            legal = np.flatnonzero(partial.legal_tiles(starts))
            if not len(legal):
                break
            tile = int(rng.choice(legal))
            partial.place(tile, starts[tile])
    assert tried_again
