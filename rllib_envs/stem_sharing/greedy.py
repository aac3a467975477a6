"""Schedulers that improve one application at a time, as long as the budget lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rllib_envs.stem_sharing.choices import Choices
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
    return np.where(steps.more > 0, steps.gain / np.maximum(steps.more, 1e-12), 1e12 + steps.gain)


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
    """int [schedules, applications]: from these choices on, the best steps that the budget affords, one after another.

    Each schedule by itself. `allowed`, bool [schedules, applications, choices], is which may be taken.
    """
    apps, others = np.nonzero(allowed.any(axis=0))
    allowed, loss, own = allowed[:, apps, others], choices.loss[apps, others], choices.own[apps, others]
    everyone, limit = np.arange(columns.shape[1]), budget * (1 + TOLERANCE)
    columns, going = columns.copy(), np.arange(len(columns))
    while len(going) and len(apps):
        now = columns[going]
        costs = choices.costs(now, apps, others)
        gain = choices.loss[everyone, now][:, apps] - loss
        possible = allowed[going] & (gain > 0) & (costs <= limit)
        steps = Steps(gain, loss, own, costs - choices.cost(now)[:, None])
        merits = np.where(possible, merit(steps), -np.inf)
        best = merits.argmax(axis=1)
        takes = merits[np.arange(len(going)), best] > -np.inf
        going, best = going[takes], best[takes]
        columns[going, apps[best]] = others[best]
    return columns
