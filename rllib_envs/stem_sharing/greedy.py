"""Schedulers that improve one application at a time, as long as the budget lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rllib_envs.stem_sharing.choices import Alternatives, Choices
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.task import TOLERANCE, Task


class Steps(NamedTuple):
    """Other choices for one application each; float64 [schedules, steps], without the first axis where it is the same
    for all."""

    gain: np.ndarray
    """How much less the application loses."""
    loss: np.ndarray
    """What it loses then."""
    own: np.ndarray
    """Cost of its own layers then."""
    more: np.ndarray
    """What the whole schedule costs more; below 0 for less."""


Merit = Callable[[Steps], np.ndarray]
"""How good each step is: of those that gain and that the budget affords, the highest is taken."""


def published(steps: Steps) -> np.ndarray:
    """The loss that is left over the cost of the application's own layers, as the published scheduler has it.

    It prefers small steps, since a high loss is what makes it large: kept to compare with.
    """
    merit: np.ndarray = steps.loss / np.maximum(steps.own, 1e-12)
    return merit


def gain_per_cost(steps: Steps) -> np.ndarray:
    """What is gained over what it costs more; what costs nothing more comes first, by its gain."""
    merit: np.ndarray = steps.gain / np.maximum(steps.more, 1e-12)
    return merit


def cheaper(steps: Steps, enough: np.ndarray) -> np.ndarray:
    """For a schedule that costs too much: of the steps that are `enough`, bool [schedules, steps], the one that loses
    least, and else the one that saves most for what it loses."""
    share = steps.more / np.minimum(steps.more - np.maximum(-steps.gain, 0.0), -1e-12)
    return np.where(steps.more < 0, np.where(enough, 2 + steps.gain, share), -np.inf)


def greedy(task: Task, merit: Merit = gain_per_cost) -> Schedule:
    """From the cheapest schedule on, take the best step that the budget affords until there is none.

    Raises TooLittle.
    """
    task.check_budget()
    choices = Choices(task)
    everything = np.ones((1, *choices.loss.shape), bool)
    (found,) = improved(choices, choices.columns(task.cheapest)[None], task.budget, merit, everything)
    return choices.schedule(found)


def improved(choices: Choices, columns: np.ndarray, budget: float, merit: Merit, allowed: np.ndarray) -> np.ndarray:
    """int [schedules, applications]: from these choices on, the best steps that gain and that the budget affords, one
    after another. Each schedule by itself.

    One that costs too much becomes `cheaper` first. It is left as dear as it gets where several applications would have
    to take a step at once. `allowed`, bool [schedules, applications, choices], is which may be taken.
    """
    apps, others = np.nonzero(allowed.any(axis=0))
    if not len(apps):
        return columns
    ways, limit = Alternatives(choices, apps, others), budget * (1 + TOLERANCE)
    forbidden = ~allowed[:, apps, others]
    columns, going, total = columns.copy(), np.arange(len(columns)), choices.cost(columns)
    while len(going):
        now, before = columns[going], total[going]
        cost = ways.costs(now)
        steps = Steps(ways.gains(now), ways.loss, ways.own, cost - before[:, None])
        never = forbidden[going]
        merits = np.where((steps.gain <= 0) | (cost > limit) | never, -np.inf, merit(steps))
        if (dear := before > limit).any():
            merits[dear] = np.where(never, -np.inf, cheaper(steps, cost <= limit))[dear]
        best = merits.argmax(axis=1)
        takes = np.flatnonzero(merits[np.arange(len(going)), best] > -np.inf)
        going, best = going[takes], best[takes]
        columns[going, apps[best]], total[going] = others[best], cost[takes, best]
    return columns
