"""How early nodes can start and how much must follow them, whatever the mapping: bounds from the graph alone.

The longest path gives them, and nodes that must be apart make them tighter: at most one of them is on the tile of the
node that they all read from or feed, the next is at least one hop away, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rllib_envs.streaming_engine.task import Task

KEPT = 256


@dataclass(frozen=True)
class Bounds:
    """In cycles, by node."""

    heads: tuple[int, ...]
    """No node starts earlier than this."""
    tails: tuple[int, ...]
    """At least so much passes from a node's start until everything is ready."""

    @property
    def makespan(self) -> int:
        """No valid mapping is faster than this."""
        return max(head + tail for head, tail in zip(self.heads, self.tails, strict=True))


@lru_cache(maxsize=KEPT)
def bounds(task: Task) -> Bounds:
    graph, depth = task.graph, task.device.pipeline_depth
    hops = nearest(task)
    heads, tails = [0] * len(graph), [depth] * len(graph)
    for node in graph.order:
        if graph.predecessors[node]:
            heads[node] = depth + _meeting(task, graph.predecessors[node], node, heads, hops)
    for node in reversed(graph.order):
        if graph.successors[node]:
            tails[node] = depth + _meeting(task, graph.successors[node], node, tails, hops)
    return Bounds(tuple(heads), tuple(tails))


def nearest(task: Task) -> tuple[int, ...]:
    """The fewest hops to the closest tile (itself), the second closest and so on, from wherever that is least."""
    return tuple(np.sort(task.device.hops(task.rules.pass_timing), axis=1).min(axis=0).tolist())


def must_differ(task: Task, node: int, other: int) -> bool:
    """Whether two nodes can't be on one tile, by themselves or for the tile memory that they share with others."""
    return task.group_of[other] in task.groups_apart[task.group_of[node]]


def mutually_apart(task: Task, nodes: Sequence[int]) -> list[int]:
    """Nodes of which no two may be on one tile: those that can be added one after the other, in the given order."""
    chosen: list[int] = []
    for node in nodes:
        if all(must_differ(task, node, other) for other in chosen):
            chosen.append(node)
    return chosen


def _meeting(task: Task, others: Sequence[int], node: int, times: Sequence[int], hops: Sequence[int]) -> int:
    """The least possible largest sum of a neighbour's time and its hops to the node."""
    least = max(times[other] + must_differ(task, node, other) for other in others)
    # Of nodes that are apart, the latest sit closest in the best case.
    apart = mutually_apart(task, sorted(others, key=lambda other: -times[other]))
    return max(least, *(times[other] + hop for other, hop in zip(apart, hops, strict=False)))
