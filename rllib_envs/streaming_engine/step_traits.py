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


class Rival(NamedTuple):
    """The node with most operands of those whose groups have no tile yet, and may not have that of the node at hand.

    It wants a tile among its operands, which must be left free for it.
    """

    node: int
    apart: list[int]
    """A placed node on each tile where it may not be."""
    waits: int
    """Groups that will have taken one more such tile each before its turn comes."""


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
    later: list[int]
    """The others of the group, if it has no tile yet."""
    related: np.ndarray
    """float32 [4, placed]: weights that add up to 1 (or are all 0), of all placed nodes alike, by affinity to the node
    at hand, and by what those of its group that come later, and `rival`, have to do with them."""
    rival: Rival | None

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
    rival = _rival(task, step)
    by_group, by_rival = (_ties(task, nodes)[placed] for nodes in (later, [] if rival is None else [rival.node]))
    weights = np.stack([np.ones(step, np.float32), traits.affinity[node, placed], by_group, by_rival])
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
        later,
        weights,
        rival,
    )


def _rival(task: Task, step: int) -> Rival | None:
    graph, group_of = task.graph, task.group_of
    node, placed = graph.order[step], {group_of[other]: other for other in graph.order[:step]}
    later = [
        other
        for group in task.groups_apart[group_of[node]]
        if group not in placed
        for other in task.groups[group]
        if len(graph.predecessors[other]) > 1
    ]
    if not later:
        return None
    rival = max(later, key=lambda other: len(graph.predecessors[other]))
    turns = list(dict.fromkeys(group_of[other] for other in graph.order))
    before = turns[: turns.index(group_of[rival])]
    apart = set(task.groups_apart[group_of[rival]])
    return Rival(
        rival,
        [other for group, other in placed.items() if group in apart],
        sum(group in apart and group not in placed for group in before),
    )


def _ties(task: Task, nodes: list[int]) -> np.ndarray:
    """float32 [all nodes]: what each has to do with some: 1 for each that it is an operand of, and the affinities."""
    ties = make_traits(task).affinity[nodes].sum(axis=0)
    for node in nodes:
        ties[list(task.graph.predecessors[node])] += 1
    return np.asarray(ties, np.float32)
