"""The fastest mapping there is, with a proof, by constraint programming; or that there is none, and why.

CP-SAT of OR-Tools (Perron, Furnon and others, https://developers.google.com/optimization) begins with the best that
noisy list scheduling has found. What it answers is judged by `evaluate`.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.conflicts import explain
from rllib_envs.streaming_engine.exact_model import Model, build, cp_sat, enforced, slowest_start
from rllib_envs.streaming_engine.list_scheduling import improve, round_size
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.solved import Disagreement, Progress, Solved
from rllib_envs.streaming_engine.structure import Conflict, conflicts_seen
from rllib_envs.streaming_engine.task import Task

WARM_UP = 8
"""Rounds of list scheduling to begin with; on most tasks they take a fraction of a second."""
WARM_UP_SHARE = 0.25
"""Of the time, for them at most."""
SEEDS = 2**31
SHORTEST = 0.01
"""Seconds that the solver gets at least; 0 would mean that it is stopped before it looks."""


def solve(
    task: Task, seconds: float, rng: np.random.Generator, *, start: Mapping | None = None, workers: int = 1
) -> Solved:
    """The fastest mapping, or the best found in time and how fast one could be.

    An infeasible task is explained in what is left of the time. MissingPackage without OR-Tools.

    Args:
        start: a valid mapping to begin with; BadMapping if it isn't.
        workers: threads of the solver. With one, the same seed gives the same answer unless time is short.
    """
    if workers < 1:
        raise UserError(f"{workers} threads can't solve anything; give at least 1")
    solver = cp_sat().CpSolver()  # importing takes a second or two, which is not the task's
    progress = Progress(task, seconds)
    if conflicts_seen(task):
        return _infeasible(progress)
    progress.begin(start)
    improve(progress, rng, until=WARM_UP_SHARE, most=WARM_UP * round_size(task))
    lowest = bounds(task).makespan
    if progress.makespan == lowest:
        return progress.answer(lowest)
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = int(rng.integers(SEEDS))
    solver.parameters.linearization_level = 0  # measured: the linear relaxation is weak here and takes most of the time
    return _search(progress, solver, lowest)


def _search(progress: Progress, solver: Any, lowest: int) -> Solved:
    """Minimize the makespan, beginning with the best mapping so far."""
    task, module = progress.task, cp_sat()
    fastest = progress.makespan or slowest_start(task) + task.device.pipeline_depth
    model = build(task, enforced(task), fastest=fastest)
    if progress.mapping is not None:
        model.hint(progress.mapping)
    solver.parameters.max_time_in_seconds = max(progress.left, SHORTEST)
    found = _listener(model, progress)
    status = solver.solve(model.cp, found)
    for seconds, mapping, makespan in found.solutions:
        progress.offer(mapping, makespan, seconds)
    if status == module.INFEASIBLE:
        return _infeasible(progress)
    if status == module.MODEL_INVALID:
        raise Disagreement(f"CP-SAT refuses the model: {model.cp.validate()}; please report this")
    return progress.answer(max(lowest, ceil(solver.best_objective_bound)))


def _listener(model: Model, progress: Progress) -> Any:
    """A callback that keeps each solution: seconds, mapping, makespan by the model's own starts."""

    class Listener(cp_sat().CpSolverSolutionCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.solutions: list[tuple[float, Mapping, int]] = []

        def on_solution_callback(self) -> None:
            last = max(self.value(start) for start in model.starts.values())
            found = model.read(self.value), last + model.task.device.pipeline_depth
            self.solutions.append((progress.elapsed, *found))

    return Listener()


def _infeasible(progress: Progress) -> Solved:
    """The answer that there is no mapping, with reasons as far as they are found in time."""
    task = progress.task
    conflicts = explain(task, progress.left)
    if not conflicts:
        rules = enforced(task)
        conflicts = (Conflict(rules, tuple(range(len(task.graph))), f"{', '.join(rules)} can't all hold"),)
    return progress.answer(0, infeasible=True, conflicts=conflicts)
