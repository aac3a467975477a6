"""Reasons why a task is infeasible that are seen by looking at its graph, without a search.

apart together   tile memory keeps two nodes on one tile, and two siblings or two roots are among them
same slice       tile memory keeps two nodes on one tile, and they read from the same nodes: they start together
crowd            more siblings, or roots, than there are tiles
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from rllib_envs.streaming_engine.task import Task


@dataclass(frozen=True)
class Conflict:
    """Rules that can't all hold."""

    rules: tuple[str, ...]
    """In the order of RULE_NAMES."""
    nodes: tuple[int, ...]
    """Nodes among which the conflict arises, as few as was found out."""
    text: str
    """For people."""
    minimal: bool = False
    """Whether it is known that without any one of the rules the others can hold."""


def conflicts_seen(task: Task) -> tuple[Conflict, ...]:
    """At most one of each kind and set of rules; none if nothing is seen."""
    found: dict[tuple[str, ...], Conflict] = {}
    for conflict in (*_crowds(task), *_apart_together(task), *_same_slices(task)):
        found.setdefault(conflict.rules, conflict)
    minimal = [one for one in found.values() if not any(set(other) < set(one.rules) for other in found)]
    return tuple(sorted(minimal, key=lambda conflict: len(conflict.rules)))


def _crowds(task: Task) -> Iterator[Conflict]:
    for rule, what, family in _families(task):
        if len(family) > task.device.tiles:
            text = f"{len(family)} {what} need a tile each, and there are {task.device.tiles}: {_names(task, family)}"
            yield Conflict((rule,), family, text)


def _apart_together(task: Task) -> Iterator[Conflict]:
    for rule, what, family in _families(task):
        for one, other in combinations(family, 2):
            if task.group_of[one] == task.group_of[other]:
                names = _names(task, (one, other))
                text = f"{names} are {what} and go on different tiles; tile memory keeps them on one"
                yield Conflict(("tile_memory", rule), (one, other), text)


def _same_slices(task: Task) -> Iterator[Conflict]:
    for group in task.groups:
        for one, other in combinations(group, 2):
            before = task.graph.predecessors[one]
            if before and before == task.graph.predecessors[other]:
                names = _names(task, (one, other))
                text = f"{names} read from the same nodes and so start together; tile memory keeps them on one tile"
                yield Conflict(("slice", "timing", "tile_memory"), (one, other), text)


def _families(task: Task) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Nodes that need a tile each: the rule that says so, what they are, and which."""
    if task.rules.sync_flow:
        yield "sync_flow", "roots", task.graph.roots
    if task.rules.sibling:
        for source, family in enumerate(task.graph.successors):
            yield "sibling", f"successors of {task.graph.nodes[source].name}", family


def _names(task: Task, nodes: tuple[int, ...]) -> str:
    return ", ".join(task.graph.nodes[node].name for node in nodes)
