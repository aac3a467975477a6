"""Why a task is infeasible: every minimal set of rules that can't all hold, by name, and the nodes that they concern.

A set of rules is judged by CP-SAT. Where it can hold, the mapping that shows it is judged by `evaluate`, and often it
keeps more rules than were asked for. So few of the 31 sets have to be solved.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from itertools import combinations

from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.exact_model import build, cp_sat, enforced
from rllib_envs.streaming_engine.solved import Disagreement
from rllib_envs.streaming_engine.structure import Conflict, conflicts_seen
from rllib_envs.streaming_engine.task import Task

SHARE = 0.5
"""Of the time that is left, for a single question: the next ones may be easier."""

RuleSet = frozenset[str]


def explain(task: Task, seconds: float) -> tuple[Conflict, ...]:
    """Conflicts between the rules of an infeasible task, the smallest first; none if it is feasible or time ran out.

    To make the task feasible, a rule of every conflict must go.
    """
    judge = _Judge(task, time.perf_counter() + seconds)
    seen = {frozenset(conflict.rules): conflict for conflict in conflicts_seen(task)}
    judge.impossible.extend(seen)
    holding = enforced(task)
    for rule in holding:  # large sets first: one that can hold settles all that are in it
        judge.possible_under(frozenset(holding) - {rule})
    minimal: dict[RuleSet, bool] = {}
    for size in range(1, len(holding) + 1):
        for rules in map(frozenset, combinations(holding, size)):
            if not any(conflict < rules for conflict in minimal) and judge.possible_under(rules) is False:
                minimal[rules] = all(judge.possible_under(rules - {rule}) for rule in rules)
    return tuple(
        replace(seen[rules], minimal=certain) if rules in seen else _concerning(task, rules, certain, judge)
        for rules, certain in minimal.items()
    )


def _concerning(task: Task, rules: RuleSet, minimal: bool, judge: _Judge) -> Conflict:
    """The conflict with as few nodes as are found by leaving out one after the other, those that come last first."""
    kept = set(range(len(task.graph)))
    for node in reversed(task.graph.order):
        needed = "timing" in rules and kept.intersection(task.graph.successors[node])
        if not needed and judge.possible_among(kept - {node}, rules) is False:
            kept.remove(node)
    listed = tuple(rule for rule in enforced(task) if rule in rules)
    names = ", ".join(task.graph.nodes[node].name for node in sorted(kept))
    return Conflict(listed, tuple(sorted(kept)), f"no mapping of {names} obeys {' and '.join(listed)}", minimal)


class _Judge:
    """Whether rules can hold, as far as it is found out in time."""

    def __init__(self, task: Task, deadline: float) -> None:
        self.task, self.deadline = task, deadline
        self.possible: list[RuleSet] = [frozenset()]
        self.impossible: list[RuleSet] = []
        self.unknown: list[RuleSet] = []

    def possible_under(self, rules: RuleSet) -> bool | None:
        """Whether a mapping of all nodes obeys the rules; None if it isn't known."""
        if any(rules <= known for known in self.possible):
            return True
        if any(known <= rules for known in self.impossible):
            return False
        if rules in self.unknown:
            return None
        answer = self.possible_among(range(len(self.task.graph)), rules)
        if answer is not True:
            (self.unknown if answer is None else self.impossible).append(rules)
        return answer

    def possible_among(self, nodes: Collection[int], rules: RuleSet) -> bool | None:
        """The same for some of the nodes; see `build`."""
        module = cp_sat()
        left = self.deadline - time.perf_counter()
        if left <= 0:
            return None
        model = build(self.task, rules, nodes)
        solver = module.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_time_in_seconds = SHARE * left
        status = solver.solve(model.cp)
        if status in (module.OPTIMAL, module.FEASIBLE):
            if len(nodes) == len(self.task.graph):
                broken = evaluate(self.task, model.read(solver.value)).broken
                if broken & rules:
                    raise Disagreement(f"a mapping was said to obey {', '.join(sorted(broken & rules))}; please report")
                self.possible.append(frozenset(enforced(self.task)) - broken)
            return True
        return False if status == module.INFEASIBLE else None
