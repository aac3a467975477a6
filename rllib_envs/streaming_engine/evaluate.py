"""What a mapping is worth, one rule after the other, to be read beside `rules`. The judge of every reported time.

`batched` answers the same question for many mappings at once and shares no code with this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.task import Task


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold, and between which nodes."""

    rule: str
    """One of RULE_NAMES."""
    nodes: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Outcome:
    """Times of the nodes, and what is wrong."""

    starts: tuple[int | None, ...]
    """Cycle in which each node's last operand arrives; None where a node before it, or itself, is unplaced."""
    readies: tuple[int | None, ...]
    """Cycle in which each result is ready."""
    violations: tuple[Violation, ...]

    @property
    def valid(self) -> bool:
        """Every node has a slice and every rule holds."""
        return not self.violations

    @property
    def legal(self) -> bool:
        """Every rule holds among the nodes that have a slice."""
        return self.broken <= {"unplaced"}

    @property
    def broken(self) -> frozenset[str]:
        """Names of the rules that don't hold."""
        return frozenset(violation.rule for violation in self.violations)

    @property
    def makespan(self) -> int | None:
        """The cycle in which everything is ready; None for a mapping that is not valid."""
        return max(ready for ready in self.readies if ready is not None) if self.valid else None


def hops(task: Task, tile: int, other: int) -> int:
    """Cycles from one tile to another."""
    columns = task.device.columns
    distance = abs(tile // columns - other // columns) + abs(tile % columns - other % columns)
    if task.rules.pass_timing and distance > 2:
        return 2 + 2 * (distance - 2)
    return distance


def evaluate(task: Task, mapping: Mapping) -> Outcome:
    """Times, and every violation of the rules that are on. BadMapping if there is no such slice or node."""
    mapping.check(task)
    starts, readies = _times(task, mapping)
    found = [*_unplaced(task, mapping), *_shared_slices(task, mapping), *_wrong_turns(task, mapping, starts)]
    if task.rules.tile_memory:
        found.extend(_split_memories(task, mapping))
    if task.rules.sync_flow:
        found.extend(_together(task, mapping, "sync_flow", [task.graph.roots], "roots"))
    if task.rules.sibling:
        found.extend(_together(task, mapping, "sibling", task.graph.successors, "siblings"))
    return Outcome(tuple(starts), tuple(readies), tuple(found))


def _times(task: Task, mapping: Mapping) -> tuple[list[int | None], list[int | None]]:
    starts: list[int | None] = [None] * len(task.graph)
    readies: list[int | None] = [None] * len(task.graph)
    for node in task.graph.order:
        before = task.graph.predecessors[node]
        if not mapping.placed(node) or any(readies[source] is None for source in before):
            continue
        arrivals = [
            ready + hops(task, mapping.tiles[source], mapping.tiles[node])
            for source in before
            if (ready := readies[source]) is not None
        ]
        start = max(arrivals, default=mapping.spokes[node])
        starts[node] = start
        readies[node] = start + task.device.pipeline_depth
    return starts, readies


def _unplaced(task: Task, mapping: Mapping) -> Iterator[Violation]:
    nodes = tuple(node for node in range(len(task.graph)) if not mapping.placed(node))
    if nodes:
        yield Violation("unplaced", nodes, f"{_names(task, nodes)} without a slice")


def _shared_slices(task: Task, mapping: Mapping) -> Iterator[Violation]:
    for (tile, spoke), nodes in _by_place(mapping, range(len(task.graph)), spokes=True):
        yield Violation("slice", nodes, f"{_names(task, nodes)} on one slice: tile {tile}, spoke {spoke}")


def _wrong_turns(task: Task, mapping: Mapping, starts: list[int | None]) -> Iterator[Violation]:
    for node, start in enumerate(starts):
        if start is not None and start % task.device.spokes != mapping.spokes[node]:
            yield Violation(
                "timing",
                (node,),
                f"{_names(task, (node,))} would start in cycle {start}, the turn of spoke "
                f"{start % task.device.spokes}, and is on spoke {mapping.spokes[node]}",
            )


def _split_memories(task: Task, mapping: Mapping) -> Iterator[Violation]:
    for name, users in task.graph.memory_users.items():
        nodes = tuple(node for node in users if mapping.placed(node))
        if len({mapping.tiles[node] for node in nodes}) > 1:
            yield Violation("tile_memory", nodes, f"{_names(task, nodes)} use memory {name} from different tiles")


def _together(
    task: Task, mapping: Mapping, rule: str, families: Iterable[tuple[int, ...]], what: str
) -> Iterator[Violation]:
    for family in families:
        for (tile, _), nodes in _by_place(mapping, family, spokes=False):
            yield Violation(rule, nodes, f"{what} {_names(task, nodes)} on one tile: {tile}")


def _by_place(
    mapping: Mapping, nodes: Iterable[int], spokes: bool
) -> Iterator[tuple[tuple[int, int], tuple[int, ...]]]:
    """The places that several of the nodes have: a slice, or a whole tile."""
    at: dict[tuple[int, int], list[int]] = defaultdict(list)
    for node in nodes:
        if mapping.placed(node):
            at[mapping.tiles[node], mapping.spokes[node] if spokes else 0].append(node)
    return ((place, tuple(found)) for place, found in at.items() if len(found) > 1)


def _names(task: Task, nodes: tuple[int, ...]) -> str:
    return ", ".join(task.graph.nodes[node].name for node in nodes)
