"""What a graph's nodes are to each other on a device, before any is placed: tails, distances, affinity, a bound."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.look_ahead import PLANS_KEPT
from rllib_envs.streaming_engine.partial import make_layout
from rllib_envs.streaming_engine.task import Task

UNRELATED = -(1 << 20)
"""A distance that no maximum takes notice of."""
NEAR = 2
"""Hops that the synchronous fabric makes at once."""
GENERATIONS = 3
"""Nodes with a common descendant this far down still draw each other."""


class Traits(NamedTuple):
    """Arrays over nodes, and over tiles."""

    tails: np.ndarray
    """int32 [nodes]: the fewest cycles from a node's start until all that depends on it is ready."""
    after: np.ndarray
    """int32 [nodes, nodes]: the fewest cycles from the start of the first to that of the second; UNRELATED if none."""
    affinity: np.ndarray
    """float32 [nodes, nodes]: 1 for nodes with a common successor, halved for each generation further down."""
    bound: int
    """No mapping is ready earlier than in this cycle."""
    hops: np.ndarray
    """int32 [tiles, tiles]: cycles from tile to tile."""
    hops_as_reals: np.ndarray
    """float32, the same."""
    near: np.ndarray
    """intp [tiles, n]: the tiles within NEAR hops of each, itself first; filled up with the tile itself."""
    near_hops: np.ndarray
    """int32 [tiles, n, 1]: the hops to these."""
    is_near: np.ndarray
    """bool [tiles, n, 1]: False where filled up."""
    centrality: np.ndarray
    """int [tiles]: 0 for the tile in the middle, then 1 and so on outwards."""
    outlying: np.ndarray
    """float32 [tiles]: 0 in the middle of the device, 1 at the farthest from it."""
    places: np.ndarray
    """float32 [2, tiles]: column and row."""
    middle: np.ndarray
    """float32 [2, 1]: the mean of `places`."""


@lru_cache(maxsize=PLANS_KEPT)
def make_traits(task: Task) -> Traits:
    hops = task.device.hops(task.rules.pass_timing).astype(np.int32)
    order = np.argsort(hops, axis=1, kind="stable")
    around = int((hops <= NEAR).sum(axis=1).max())
    away = np.take_along_axis(hops, order[:, :around], axis=1)
    tiles = np.arange(task.device.tiles)
    total = hops.sum(axis=1)
    places = np.stack([tiles % task.device.columns, tiles // task.device.columns]).astype(np.float32)
    return Traits(
        tails=np.array(bounds(task).tails, np.int32),
        after=_after(task),
        affinity=_affinity(task),
        bound=bounds(task).makespan,
        hops=hops,
        hops_as_reals=hops.astype(np.float32),
        near=np.where(away <= NEAR, order[:, :around], tiles[:, None]),
        near_hops=away[:, :, None],
        is_near=(away <= NEAR)[:, :, None],
        centrality=np.argsort(make_layout(task).by_centre),
        outlying=((total - total.min()) / max(1, total.max() - total.min())).astype(np.float32),
        places=places,
        middle=places.mean(axis=1, keepdims=True),
    )


def _after(task: Task) -> np.ndarray:
    after = np.full((len(task.graph), len(task.graph)), UNRELATED, np.int32)
    for node in task.graph.order:
        after[node, node] = 0
        for source in task.graph.predecessors[node]:
            after[:, node] = np.maximum(after[:, node], after[:, source] + task.device.pipeline_depth)
    return np.where(after < 0, UNRELATED, after)


def _affinity(task: Task) -> np.ndarray:
    nodes = len(task.graph)
    affinity = np.zeros((nodes, nodes), np.float32)
    below = np.eye(nodes, dtype=bool)  # [node, its descendants so many generations down]
    reach = below.copy()
    links = np.zeros((nodes, nodes), bool)
    for source, target in task.graph.edges:
        links[source, target] = True
    for generation in range(1, GENERATIONS + 1):
        below = below @ links
        reach |= below
        common = reach.astype(np.float32) @ reach.T.astype(np.float32) > 0
        affinity = np.maximum(affinity, common * np.float32(0.5 ** (generation - 1)))
    np.fill_diagonal(affinity, 0)
    return affinity
