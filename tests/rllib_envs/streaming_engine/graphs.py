"""Random tasks and mappings for these tests: small, odd, and with every rule in play."""

from __future__ import annotations

import numpy as np

from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import DoesNotFit, Task


def random_graph(rng, nodes):
    """Any acyclic graph, its nodes in any order, with memory variables thrown at random: often infeasible."""
    rank = rng.permutation(nodes)
    share = rng.uniform(0.05, 0.5)
    edges = tuple(
        (a, b)
        for a in range(nodes)
        for b in range(nodes)
        if rank[a] < rank[b] and rng.random() < share / (1 + nodes / 8)
    )
    memories = [set() for _ in range(nodes)]
    for variable in range(rng.integers(3)):
        for node in rng.choice(nodes, min(nodes, int(rng.integers(1, 4))), replace=False):
            memories[node].add(f"m{variable}")
    return ComputeGraph(tuple(Node(f"n{i}", memories=tuple(memories[i])) for i in range(nodes)), edges)


def random_task(rng, nodes, device):
    """A task under any set of rules, drawn until the device has room for it."""
    while True:
        rules = Rules(*(bool(rng.integers(4)) for _ in range(3)), pass_timing=bool(rng.integers(2)))
        try:
            return Task(random_graph(rng, nodes), device, rules)
        except DoesNotFit:
            continue


def random_device(rng, slices=0):
    """A row or a grid of tiles with at least so many slices."""
    while True:
        sizes = (int(rng.integers(1, 4)), int(rng.integers(1, 8)), int(rng.integers(1, 7)), int(rng.integers(1, 5)))
        device = Device(*sizes)
        if device.slices >= slices:
            return device


def random_mappings(rng, task, batch):
    """Tiles and spokes [nodes, batch] without regard to any rule, some of them partial."""
    shape = (len(task.graph), batch)
    tiles = rng.integers(task.device.tiles, size=shape).astype(np.int16)
    spokes = rng.integers(task.device.spokes, size=shape).astype(np.int16)
    unplaced = rng.random(shape) < rng.choice([0.0, 0.2, 0.6], batch)
    tiles[unplaced] = spokes[unplaced] = -1
    return tiles, spokes


def mapping_of(tiles, spokes, column):
    return Mapping(tuple(tiles[:, column].tolist()), tuple(spokes[:, column].tolist()))


def all_mappings(task):
    """Tiles and spokes [nodes, slices ** nodes] of every complete mapping."""
    nodes, slices = len(task.graph), task.device.slices
    places = np.stack(np.unravel_index(np.arange(slices**nodes), (slices,) * nodes)).astype(np.int16)
    return places // task.device.spokes, places % task.device.spokes
