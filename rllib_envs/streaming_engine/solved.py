"""What every solver here returns, and what they keep on the way: the best mapping so far, judged by `evaluate`.

A solver is a function `solve(task, seconds, rng) -> Solved`. Infeasible is an answer like another. Budgets are in
seconds of the clock; those that count mappings as well stop at whichever ends first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.mapping import BadMapping, Mapping
from rllib_envs.streaming_engine.structure import Conflict
from rllib_envs.streaming_engine.task import Task


class Disagreement(TunewrightError):
    """A solver's claim is not what `evaluate` finds: a fault of the program, never of the input."""


@dataclass(frozen=True)
class Solved:
    """An answer to a task."""

    mapping: Mapping | None
    """The best that was found; valid."""
    makespan: int | None
    """Its cycles, by `evaluate`."""
    lower_bound: int
    """No valid mapping is faster; of no meaning for an infeasible task."""
    proven: bool
    """That the mapping is optimal or, without a mapping, that there is none."""
    seconds: float
    """From the call to the answer."""
    curve: tuple[tuple[float, int], ...]
    """(seconds, makespan) of each mapping that was better than those before it."""
    evaluations: int = 0
    """Mappings tried; 0 where they are not counted."""
    conflicts: tuple[Conflict, ...] = ()
    """Why the task is infeasible."""

    @property
    def infeasible(self) -> bool:
        """That this is known; False where nothing was found in time."""
        return self.mapping is None and self.proven


Solver = Callable[[Task, float, np.random.Generator], Solved]


class Progress:
    """The clock and the best mapping of one call of a solver."""

    def __init__(self, task: Task, seconds: float, evaluations: int | None = None) -> None:
        """UserError for a budget that is none."""
        if not (seconds > 0 and math.isfinite(seconds)):
            raise UserError(f"a budget of {seconds} seconds is not possible; give a positive number")
        if evaluations is not None and evaluations < 1:
            raise UserError(f"a budget of {evaluations} mappings is not possible; give at least 1")
        self.task, self.seconds, self.limit = task, seconds, evaluations
        self.mapping: Mapping | None = None
        self.makespan: int | None = None
        self.curve: list[tuple[float, int]] = []
        self.evaluations = 0
        self._began = time.perf_counter()

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._began

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.seconds - self.elapsed)

    @property
    def share(self) -> float:
        """How much of the budget is used; 1 when it is over."""
        return min(1.0, max(self.elapsed / self.seconds, self.counted or 0.0))

    @property
    def counted(self) -> float | None:
        """How much of the mappings is used; None where they are not limited. Unlike time, this is reproducible."""
        return self.evaluations / self.limit if self.limit else None

    def improves(self, makespan: int) -> bool:
        return self.makespan is None or makespan < self.makespan

    def begin(self, mapping: Mapping | None) -> None:
        """Start from a given mapping. BadMapping if it is not valid."""
        if mapping is not None:
            outcome = evaluate(self.task, mapping)
            if outcome.makespan is None:
                raise BadMapping(f"the mapping to start from is not valid: {outcome.violations[0].text}")
            self.offer(mapping, outcome.makespan)

    def offer(self, mapping: Mapping, makespan: int, seconds: float | None = None) -> None:
        """Keep a mapping if it is better; it was found just now, or so many seconds after the call.

        Disagreement if it isn't valid or doesn't take what is claimed.
        """
        if not self.improves(makespan):
            return
        outcome = evaluate(self.task, mapping)
        if outcome.makespan != makespan:
            fault = f"takes {outcome.makespan} cycles" if outcome.valid else outcome.violations[0].text
            raise Disagreement(f"a mapping was said to take {makespan} cycles, but {fault}; please report this")
        self.mapping, self.makespan = mapping, makespan
        self.curve.append((self.elapsed if seconds is None else seconds, makespan))

    def answer(self, lower_bound: int, infeasible: bool = False, conflicts: tuple[Conflict, ...] = ()) -> Solved:
        """Disagreement if a mapping was found that can't be."""
        found = self.makespan
        if found is not None and (infeasible or found < lower_bound):
            said = "infeasible" if infeasible else f"said to need {lower_bound} cycles"
            raise Disagreement(f"the task is {said}, but a mapping takes {found}; please report this")
        proven = infeasible or found == lower_bound
        return Solved(
            self.mapping, found, lower_bound, proven, self.elapsed, tuple(self.curve), self.evaluations, conflicts
        )
