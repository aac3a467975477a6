"""What a step of the topological order is about, before it is known where anything lies."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rllib_envs.streaming_engine.task import Task
from rllib_envs.streaming_engine.traits import Traits, make_traits

STEPS_KEPT = 1 << 16
"""About a kB each."""
RIVALS = 3
"""At most, of a node. Others seldom matter, and each takes time."""


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
    """A node that wants a tile among its operands, which must be left free for it: its group has none yet, may not have
    that of the node at hand, and joins more operands."""

    node: int
    """Of the group, the one with most operands."""
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
    waiting: list[tuple[int, int]]
    """Of each other group with a tile, a placed node, and how many of its nodes have still to come there."""
    related: np.ndarray
    """float32 [4, placed]: weights that add up to 1 (or are all 0), of all placed nodes alike, by affinity to the node
    at hand, and by what those of its group that come later, and the first rival, have to do with them."""
    rivals: list[Rival]
    """Those that join most operands first; RIVALS at most."""

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
    rivals = _rivals(task, step)
    by_group, by_rival = (_ties(task, nodes)[placed] for nodes in (later, [rival.node for rival in rivals[:1]]))
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
        _waiting(task, step),
        weights,
        rivals,
    )


def _waiting(task: Task, step: int) -> list[tuple[int, int]]:
    order, group_of = task.graph.order, task.group_of
    placed = {group_of[node]: node for node in order[:step]}
    left = Counter(group_of[node] for node in order[step:])
    return [(node, left[group]) for group, node in placed.items() if left[group] and group != group_of[order[step]]]


def _rivals(task: Task, step: int) -> list[Rival]:
    order, group_of = task.graph.order, task.group_of
    placed = {group_of[node]: node for node in order[:step]}
    own = group_of[order[step]]
    if own in placed:
        return []
    joined = [sum(max(0, len(task.graph.predecessors[node]) - 1) for node in group) for group in task.groups]
    wanting = [one for one in task.groups_apart[own] if one not in placed and joined[one] > joined[own]]
    turns = list(dict.fromkeys(group_of[node] for node in order))
    rivals = []
    for group in sorted(wanting, key=lambda one: -joined[one])[:RIVALS]:
        apart = set(task.groups_apart[group])
        rivals.append(
            Rival(
                max(task.groups[group], key=lambda node: len(task.graph.predecessors[node])),
                [node for other, node in placed.items() if other in apart],
                sum(other in apart and other not in placed for other in turns[: turns.index(group)]),
            )
        )
    return rivals


def _ties(task: Task, nodes: list[int]) -> np.ndarray:
    """float32 [all nodes]: what each has to do with some: 1 for each that it is an operand of, and the affinities."""
    ties = make_traits(task).affinity[nodes].sum(axis=0)
    for node in nodes:
        ties[list(task.graph.predecessors[node])] += 1
    return np.asarray(ties, np.float32)
