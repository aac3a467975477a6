"""What a step of the topological order is about, before it is known where anything lies."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rllib_envs.streaming_engine.task import Task
from rllib_envs.streaming_engine.traits import Traits, make_traits

STEPS_KEPT = 1 << 16
"""About a kB each."""


class Successor(NamedTuple):
    """A node that needs the result of the node at hand."""

    node: int
    operands: tuple[int, ...]
    """Its other predecessors that are placed."""
    member: int | None
    """A placed node on whose tile it has to be."""
    together: bool
    """Whether it has to be on the tile of the node at hand."""


class StepTraits(NamedTuple):
    """The nodes that matter to the node at hand. Lists, because they index arrays."""

    task: Task
    traits: Traits
    step: int
    node: int
    """The node at hand."""
    placed: list[int]
    predecessors: list[int]
    successors: tuple[Successor, ...]
    siblings: list[int]
    """Those that are placed."""
    group: tuple[int, ...]
    """The nodes that tile memory keeps together with it, itself among them."""
    group_placed: bool
    related: np.ndarray
    """float32 [3, placed]: weights that add up to 1 (or are all 0), of all placed nodes alike, by affinity to the node
    at hand, and by what those of its group that come later have to do with them."""

    def placed_of(self, nodes: tuple[int, ...]) -> list[int]:
        """Those of the nodes that are placed."""
        return [node for node in nodes if node in self.placed]


@lru_cache(maxsize=STEPS_KEPT)
def step_traits(task: Task, step: int) -> StepTraits:
    order, graph, traits = task.graph.order, task.graph, make_traits(task)
    node, placed = order[step], list(order[:step])
    before = frozenset(placed)
    group = task.groups[task.group_of[node]]
    group_placed = not before.isdisjoint(group)
    successors = []
    for other in graph.successors[node]:
        members = [member for member in task.groups[task.group_of[other]] if member in before]
        successors.append(
            Successor(
                other,
                tuple(operand for operand in graph.predecessors[other] if operand in before),
                members[0] if members else None,
                other in group and not group_placed,
            )
        )
    later = [] if group_placed else [member for member in group if member != node]
    by_group = (traits.affinity[later] + _operands(task, later))[:, placed].sum(axis=0)
    weights = np.stack([np.ones(step, np.float32), traits.affinity[node, placed], by_group])
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-6))
    return StepTraits(
        task,
        traits,
        step,
        node,
        placed,
        list(graph.predecessors[node]),
        tuple(successors),
        [other for other in graph.siblings[node] if other in before],
        group,
        group_placed,
        weights,
    )


def _operands(task: Task, nodes: list[int]) -> np.ndarray:
    """float32 [len(nodes), all nodes]: 1 for the predecessors of each."""
    operands = np.zeros((len(nodes), len(task.graph)), np.float32)
    for row, node in zip(operands, nodes, strict=True):
        row[list(task.graph.predecessors[node])] = 1
    return operands
