"""Noisy list scheduling: nodes by height, each as early as it can start, with some noise; the best of many."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.choosers import earliest, sampled
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.solved import Progress, Solved
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task

TEMPERATURES = (0.25, 0.5, 1.0, 2.0)
"""In cycles, in turns. Which is best depends on the graph."""
ROUND = 512
"""Mappings built together at most."""
ROUND_CELLS = 4_000_000
"""Candidates looked at in a round at most, so that it takes a fraction of a second on any task."""


def solve(
    task: Task,
    seconds: float,
    rng: np.random.Generator,
    *,
    start: Mapping | None = None,
    mappings: int | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> Solved:
    """The best mapping of as many as can be built in time; never worse than `start`.

    Args:
        mappings: the most to be built. If they end before the time does, the same seed gives the same answer.
        temperatures: of the noise, in cycles; taken in turns.
    """
    if not temperatures or not all(temperature > 0 for temperature in temperatures):
        raise UserError(f"temperatures {tuple(temperatures)} are not possible; give positive numbers")
    progress = Progress(task, seconds, mappings)
    conflicts = conflicts_seen(task)
    if conflicts:
        return progress.answer(0, infeasible=True, conflicts=conflicts)
    progress.begin(start)
    improve(progress, rng, temperatures=temperatures)
    return progress.answer(bounds(task).makespan)


def improve(
    progress: Progress,
    rng: np.random.Generator,
    until: float = 1.0,
    most: int | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> None:
    """Build mappings until a share of the budget is used, `most` of them are built or none can be faster."""
    task, before = progress.task, progress.evaluations
    lowest = bounds(task).makespan
    fit = round_size(task)
    for temperature in cycle(temperatures):
        ends = (progress.limit, None if most is None else before + most)
        count = min([fit, *(end - progress.evaluations for end in ends if end is not None)])
        if count < 1 or progress.share >= until or progress.makespan == lowest:
            return
        decoded = decode(task, count, sampled(earliest, temperature, rng), look_ahead=True)
        progress.evaluations += count
        best = decoded.best()
        if best is not None:
            progress.offer(best, int(decoded.makespans[decoded.complete].min()))


def round_size(task: Task) -> int:
    """Mappings built together."""
    return max(1, min(ROUND, ROUND_CELLS // (len(task.graph) * task.device.tiles)))
