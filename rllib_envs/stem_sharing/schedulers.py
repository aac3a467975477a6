"""The schedulers by name. Each is a function `schedule(task) -> Schedule`; it raises TooLittle where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.greedy import greedy, published
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.task import Task

SHARES_OF_A_FRAME = tuple(tenth / 10 for tenth in range(1, 10))
"""Frames/s below 1."""


def exact(task: Task) -> Schedule:
    from rllib_envs.stem_sharing.exact import solve

    return solve(task).schedule


def published_greedy(task: Task) -> Schedule:
    return greedy(task, published)


SCHEDULERS: Mapping[str, Callable[[Task], Schedule]] = MappingProxyType(
    {"exact": exact, "greedy": greedy, "published_greedy": published_greedy}
)


def without_sharing(task: Task) -> Task:
    """The task of running every application's most accurate network whole, which is the least frozen one.

    Where the budget is too little for the lowest rate of each, they may look at less than a frame a second, which no
    other schedule may.
    """
    alone = _only(task, lambda app: app.variants[0])
    if alone.affords(alone.least):
        return alone
    return replace(alone, rates=(*(share for share in SHARES_OF_A_FRAME if share < task.rates[0]), *task.rates))


def with_all_shared(task: Task) -> Task:
    """The task of sharing as much as possible: only the last layers are an application's own.

    Of the freeze points the highest counts that is not hopeless: the published comparison also froze a layer that had
    not been trained at all (at 84 of MobileNet's 85), which made sharing seem worse than it is.
    """
    return _only(task, most_shared)


def most_shared(app: Application) -> Variant:
    """The highest freeze point at which the application tells events from other frames half as well as it can, or
    better.
    """
    best = max(variant.hit - variant.false_alarm for variant in app.variants)
    return [variant for variant in app.variants if variant.hit - variant.false_alarm >= best / 2][-1]


def _only(task: Task, choose: Callable[[Application], Variant]) -> Task:
    return replace(task, applications=tuple(replace(app, variants=(choose(app),)) for app in task.applications))


MODES: Mapping[str, Callable[[Task], Task]] = MappingProxyType(
    {"mainstream": lambda task: task, "nosharing": without_sharing, "maxsharing": with_all_shared}
)
"""What is compared: each turns a task into the one where only such schedules are possible."""
