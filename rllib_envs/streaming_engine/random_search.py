"""Mappings at random under the mask: what every better way is measured against."""

from __future__ import annotations

import numpy as np

from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.choosers import at_random
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.list_scheduling import round_size
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.solved import Progress, Solved
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task


def solve(
    task: Task,
    seconds: float,
    rng: np.random.Generator,
    *,
    start: Mapping | None = None,
    mappings: int | None = None,
) -> Solved:
    """The best mapping of as many as can be drawn in time, or of `mappings`; never worse than `start`."""
    progress = Progress(task, seconds, mappings)
    conflicts = conflicts_seen(task)
    if conflicts:
        return progress.answer(0, infeasible=True, conflicts=conflicts)
    progress.begin(start)
    lowest = bounds(task).makespan
    while progress.share < 1 and progress.makespan != lowest:
        count = round_size(task)
        if mappings is not None:
            count = min(count, mappings - progress.evaluations)
        decoded = decode(task, count, at_random(rng), look_ahead=True)
        progress.evaluations += count
        best = decoded.best()
        if best is not None:
            progress.offer(best, int(decoded.makespans[decoded.complete].min()))
    return progress.answer(lowest)
