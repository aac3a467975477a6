"""A task as constraints over whole numbers, for OR-Tools' CP-SAT solver.

Each node has the row and the column of its tile, and its start, which is the last arrival: nothing waits. The spoke is
what is left of the start when it is divided by the number of spokes. Beside the rules, the model says what follows
from them and the solver would find only by search: `bounds` on each start, and how many hops neighbours of a node
need together when they are apart. A mapping can be mirrored, so one node is kept in one half of the device.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from rllib_envs.errors import MissingPackage
from rllib_envs.streaming_engine.bounds import bounds, must_differ, mutually_apart, nearest
from rllib_envs.streaming_engine.device import FREE_PASSES
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.task import Task

ENFORCED = ("slice", "timing", "tile_memory", "sync_flow", "sibling")
"""The rules that a model can be without."""

Var = Any
"""A variable of CP-SAT, or a sum of some."""


def cp_sat() -> Any:
    """OR-Tools' CP-SAT. MissingPackage without OR-Tools."""
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise MissingPackage(f"exact answers need OR-Tools ({error}); pip install 'tunewright[solvers]'") from None
    return cp_model


def enforced(task: Task) -> tuple[str, ...]:
    """The rules that hold for the task."""
    return tuple(rule for rule in ENFORCED if getattr(task.rules, rule, True))


def relaxed(task: Task, rules: Collection[str]) -> Task:
    """The task without those of its rules that are not listed; "slice" and "timing" are left to the model."""
    rest = {rule: getattr(task.rules, rule) and rule in rules for rule in ("tile_memory", "sync_flow", "sibling")}
    return replace(task, rules=replace(task.rules, **rest))


@dataclass
class Model:
    """Constraints for some of a task's nodes under some of its rules, and the variables to read a mapping from."""

    task: Task
    cp: Any
    nodes: tuple[int, ...]
    rows: dict[int, Var] = field(default_factory=dict)
    columns: dict[int, Var] = field(default_factory=dict)
    spokes: dict[int, Var] = field(default_factory=dict)
    starts: dict[int, Var] = field(default_factory=dict)
    """Empty without the timing rule, as are the hops."""
    hops: dict[tuple[int, int], Var] = field(default_factory=dict)
    """Cycles from a node's tile to its successor's."""

    def tile(self, node: int) -> Var:
        return self.rows[node] * self.task.device.columns + self.columns[node]

    def hint(self, mapping: Mapping) -> None:
        """Where the solver begins to look."""
        for group in self.task.groups:
            row, column = divmod(mapping.tiles[group[0]], self.task.device.columns)
            self.cp.add_hint(self.rows[group[0]], row)
            self.cp.add_hint(self.columns[group[0]], column)

    def read(self, value: Callable[[Var], int]) -> Mapping:
        """The mapping of a solution; `value` gives a variable's value in it. All nodes must be in the model."""
        nodes = range(len(self.task.graph))
        return Mapping(
            tuple(int(value(self.tile(node))) for node in nodes),
            tuple(int(value(self.spokes[node])) for node in nodes),
        )


def build(
    task: Task, rules: Collection[str], nodes: Collection[int] | None = None, fastest: int | None = None
) -> Model:
    """The constraints that those rules make for those nodes, by default all.

    Args:
        rules: of ENFORCED. Those that the task is without don't hold anyway.
        nodes: with a node come all that it waits for, if "timing" is among the rules.
        fastest: a makespan known to be possible. With it, the makespan is minimized; "timing" must be among the rules.
    """
    task = relaxed(task, rules)
    model = Model(task, cp_sat().CpModel(), tuple(range(len(task.graph)) if nodes is None else sorted(nodes)))
    _place(model)
    if "timing" in rules:
        _time(model, fastest)
        _meet(model)
    if "slice" in rules:
        model.cp.add_all_different([model.tile(node) * task.device.spokes + model.spokes[node] for node in model.nodes])
    if fastest is not None:
        limits = bounds(task)
        makespan = model.cp.new_int_var(limits.makespan, fastest, "makespan")
        for node in model.nodes:
            model.cp.add(makespan >= model.starts[node] + limits.tails[node])
        model.cp.minimize(makespan)
    return model


def _place(model: Model) -> None:
    """A tile for each group and a spoke for each node, under the rules about whole tiles."""
    task, cp = model.task, model.cp
    for group in task.groups:
        row = cp.new_int_var(0, task.device.rows - 1, f"row {group[0]}")
        column = cp.new_int_var(0, task.device.columns - 1, f"column {group[0]}")
        for node in group:
            model.rows[node], model.columns[node] = row, column
    for node in model.nodes:
        model.spokes[node] = cp.new_int_var(0, task.device.spokes - 1, f"spoke {node}")
    families = {task.graph.roots} if task.rules.sync_flow else set()
    families.update(task.graph.successors if task.rules.sibling else ())
    for family in sorted(families):
        cp.add_all_different([model.tile(node) for node in family if node in model.spokes])
    first = next((node for node in task.graph.order if node in model.spokes), None)
    if first is not None:  # a mapping may be mirrored
        cp.add(2 * model.rows[first] < task.device.rows)
        cp.add(2 * model.columns[first] < task.device.columns)


def _time(model: Model, fastest: int | None) -> None:
    """A node starts when its last operand arrives, in the turn of its spoke."""
    task, cp, limits = model.task, model.cp, bounds(model.task)
    depth, turns = task.device.pipeline_depth, task.device.spokes
    for node in model.nodes:
        last = slowest_start(task) if fastest is None else fastest - limits.tails[node]
        last = last if task.graph.predecessors[node] else min(last, turns - 1)
        start = cp.new_int_var(limits.heads[node], last, f"start {node}")
        cp.add(start == model.spokes[node] + turns * cp.new_int_var(0, last // turns, f"turn {node}"))
        model.starts[node] = start
    for node in model.nodes:
        before = task.graph.predecessors[node]
        for source in before:
            model.hops[source, node] = _hops(model, source, node)
        if before:
            arrivals = [model.starts[source] + depth + model.hops[source, node] for source in before]
            cp.add_max_equality(model.starts[node], arrivals)


def slowest_start(task: Task) -> int:
    """No node starts later, whatever the mapping."""
    farthest = int(task.device.hops(task.rules.pass_timing).max())
    return task.device.spokes - 1 + max(task.graph.heights) * (task.device.pipeline_depth + farthest)


def _hops(model: Model, source: int, target: int) -> Var:
    """Cycles from the tile of one node to that of another."""
    device, cp = model.task.device, model.cp
    parts = []
    for size, axis in ((device.rows, model.rows), (device.columns, model.columns)):
        part = cp.new_int_var(0, size - 1, f"from {source} to {target}")
        cp.add_abs_equality(part, axis[source] - axis[target])
        parts.append(part)
    if not model.task.rules.pass_timing:
        return sum(parts)
    passed = cp.new_int_var(0, 2 * (device.rows + device.columns), f"passed from {source} to {target}")
    cp.add_max_equality(passed, [sum(parts), 2 * sum(parts) - FREE_PASSES])
    return passed


def _meet(model: Model) -> None:
    """Neighbours of a node that are apart need hops: one of them none, perhaps, but each further one more."""
    least = nearest(model.task)
    for node in model.nodes:
        for after, neighbours in ((0, model.task.graph.predecessors[node]), (1, model.task.graph.successors[node])):
            ways = {
                other: model.hops[(node, other) if after else (other, node)]
                for other in neighbours
                if other in model.starts
            }
            for one, other in combinations(ways, 2):
                if must_differ(model.task, one, other):
                    model.cp.add(ways[one] + ways[other] >= 1)
            apart = mutually_apart(model.task, list(ways))
            if len(apart) > 2:
                model.cp.add(sum(ways[other] for other in apart) >= sum(least[: len(apart)]))
