"""What a TVMSearch and its process say to each other, pickled over a private socket pair."""

from __future__ import annotations

from typing import NamedTuple

from rllib_envs.kernel_tuning.module_task import Task

Told = tuple[str, float]
"""A schedule's trace as TVM's JSON, and the seconds that it takes; 0 where it failed."""


class Ask(NamedTuple):
    """Asks which schedules of a task to measure next: at most so many, none at the end."""

    task: Task
    most: int


class Tell(NamedTuple):
    """How fast schedules are: all of those that were asked for last, or such as are known from before."""

    task: Task
    told: tuple[Told, ...]


Request = Ask | Tell
