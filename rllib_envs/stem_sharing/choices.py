"""All choices for all applications as arrays, and what each of them would cost more."""

from __future__ import annotations

from math import prod

import numpy as np

from rllib_envs.stem_sharing.schedule import Choice, Schedule
from rllib_envs.stem_sharing.task import Task


class Choices:
    """Of a task. Rows are applications; columns their choices, by freeze point and then by rate.

    The layers between two neighbouring freeze points are a segment. `profile`, float64 [applications, segments], is at
    which rate each application needs each segment of the stem.
    """

    def __init__(self, task: Task) -> None:
        network, rates = task.network, np.array(task.rates)
        self._points = sorted({variant.freeze_point for app in task.applications for variant in app.variants} - {0})
        self._rates = rates
        starts = [0, *self._points][:-1]
        self.latency = np.array([network.between(*segment) for segment in zip(starts, self._points, strict=True)])
        """float64 [segments]."""
        points = [[variant.freeze_point for variant in app.variants] for app in task.applications]
        widest = max(map(len, points))
        self._padded = np.array([row + row[-1:] * (widest - len(row)) for row in points])
        depth = np.searchsorted(self._points, self._padded, side="right")
        count = len(points)
        self.everyone = np.arange(count)

        def spread(by_point: np.ndarray) -> np.ndarray:
            return np.repeat(by_point, len(rates), axis=1)

        self.depth = spread(depth)
        """int [applications, choices]: segments below the freeze point."""
        self.level = np.tile(np.arange(len(rates)), (count, widest))
        """int [applications, choices]: index of the rate."""
        self.rate = rates[self.level]
        """float64 [applications, choices]: frames/s."""
        above = np.array([[network.between(point, network.layers) for point in row] for row in self._padded.tolist()])
        self.own = spread(above) * self.rate
        """float64 [applications, choices]: cost of the application's own layers."""
        self.loss = np.full((count, widest * len(rates)), np.inf)
        """float64 [applications, choices]; infinite where an application has fewer."""
        for row, table in zip(self.loss, task.losses, strict=True):
            row[: table.size] = table.ravel()
        self.worthwhile = _worthwhile(self.loss.reshape(count, widest, len(rates))).reshape(self.loss.shape)
        """bool [applications, choices]: those than which no other loses as little and never costs more."""
        segments = np.arange(len(self.latency))
        self._up_to = np.where(segments[:, None] < np.arange(len(segments) + 1), self.latency[:, None], 0.0)
        """float64 [segments, depths]: latency of each segment, where it is below a depth."""
        self._profiles = np.where(segments < self.depth[..., None], self.rate[..., None], 0.0)
        """float64 [applications, choices, segments]."""
        self.places = len(rates) * self._up_to.shape[1]
        """How many `added` has."""
        self.place = self.level * self._up_to.shape[1] + self.depth
        """int [applications, choices]: where `added` has each choice."""

    def choice(self, app: int, column: int) -> Choice:
        variant, level = divmod(column, len(self._rates))
        return Choice(int(self._padded[app, variant]), float(self._rates[level]))

    def column(self, app: int, choice: Choice) -> int:
        variant = int(np.argmax(self._padded[app] == choice.freeze_point))
        return variant * len(self._rates) + int(np.searchsorted(self._rates, choice.rate))

    def columns(self, schedule: Schedule) -> np.ndarray:
        """int [applications]."""
        return np.array([self.column(app, choice) for app, choice in enumerate(schedule)])

    def schedule(self, columns: np.ndarray) -> Schedule:
        return tuple(self.choice(app, column) for app, column in enumerate(columns.tolist()))

    def profile(self, columns: np.ndarray) -> np.ndarray:
        """float64 [..., applications, segments] of schedules, int [..., applications]."""
        profile: np.ndarray = self._profiles[self.everyone, columns]
        return profile

    def cost(self, columns: np.ndarray) -> np.ndarray:
        """float64 [...]: of schedules."""
        stem = self.profile(columns).max(axis=-2, initial=0.0) @ self.latency
        cost: np.ndarray = stem + self.own[self.everyone, columns].sum(axis=-1)
        return cost

    def added(self, stems: np.ndarray) -> np.ndarray:
        """float64 [..., places]: what a choice adds to the cost of stems, by its `place`.

        Args:
            stems: float64 [..., segments], at which rate they run already.
        """
        more = np.maximum(self._rates[:, None] - stems[..., None, :], 0.0)
        # One product of two matrices is faster than many small ones. There may be no segment.
        rows = more.reshape(prod(more.shape[:-1]), stems.shape[-1])
        added: np.ndarray = (rows @ self._up_to).reshape(*stems.shape[:-1], self.places)
        return added


class Alternatives:
    """Other choices for one application each, for any schedules.

    Args:
        choices: of the task.
        apps: int, ascending, whose choice each is; one at least.
        others: int, as many, the choices.
    """

    def __init__(self, choices: Choices, apps: np.ndarray, others: np.ndarray) -> None:
        self._apps, self._choices = apps, choices
        self.loss, self.own = choices.loss[apps, others], choices.own[apps, others]
        """float64 [alternatives]: what the application loses then, and the cost of its own layers."""
        self._between = slice(apps[0], apps[-1] + 1)
        self._places = (apps - apps[0]) * choices.places + choices.place[apps, others]

    def costs(self, columns: np.ndarray) -> np.ndarray:
        """float64 [schedules, alternatives]: what schedules, int [schedules, applications], cost with each instead."""
        choices = self._choices
        stems, own = stems_of_others(choices.profile(columns)), choices.own[choices.everyone, columns]
        without = stems @ choices.latency + (own.sum(axis=1, keepdims=True) - own)
        with_any = choices.added(stems[:, self._between]) + without[:, self._between, None]
        costs: np.ndarray = with_any.reshape(len(columns), -1).take(self._places, axis=1) + self.own
        return costs

    def gains(self, columns: np.ndarray) -> np.ndarray:
        """float64 [schedules, alternatives]: how much less the application loses than in these schedules."""
        losses = self._choices.loss[self._choices.everyone, columns]
        gains: np.ndarray = losses.take(self._apps, axis=1) - self.loss
        return gains


def _worthwhile(loss: np.ndarray) -> np.ndarray:
    """bool, of float64 [applications, freeze points, rates], both ascending.

    A choice that keeps at least as much of the stem, at a rate that is not higher, never costs more.
    """
    cheaper = np.full((len(loss), loss.shape[1] + 1, loss.shape[2] + 1), np.inf)
    cheaper[:, :-1, 1:] = loss
    least = np.minimum.accumulate(np.minimum.accumulate(cheaper[:, ::-1], axis=1)[:, ::-1], axis=2)
    worthwhile: np.ndarray = loss < np.minimum(least[:, 1:, 1:], least[:, :-1, :-1])
    return worthwhile


def stems_of_others(profile: np.ndarray) -> np.ndarray:
    """float64 [..., applications, segments]: at which rate the stem runs for all but one."""
    count = profile.shape[-2]
    if count == 1:
        return np.zeros_like(profile)
    two = np.partition(profile, count - 2, axis=-2)[..., -2:, :]
    second, first = two[..., :1, :], two[..., 1:, :]  # the same where several have the highest
    others: np.ndarray = np.where(profile == first, second, first)
    return others
