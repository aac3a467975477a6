"""All choices for all applications as arrays, and what each of them would cost more."""

from __future__ import annotations

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

    def needed(self, depth: np.ndarray, rate: np.ndarray) -> np.ndarray:
        """float64 [..., segments]: at which rate choices of this depth and rate need each segment."""
        return np.where(np.arange(len(self.latency)) < depth[..., None], rate[..., None], 0.0)

    def profile(self, columns: np.ndarray) -> np.ndarray:
        """float64 [..., applications, segments] of schedules, int [..., applications]."""
        rows = np.arange(columns.shape[-1])
        return self.needed(self.depth[rows, columns], self.rate[rows, columns])

    def costs(self, columns: np.ndarray) -> np.ndarray:
        """float64 [..., applications, choices]: what schedules cost with another choice for one application."""
        rows = np.arange(columns.shape[-1])
        others, own = stems_of_others(self.profile(columns)), self.own[rows, columns]
        without = others @ self.latency + own.sum(axis=-1, keepdims=True) - own
        costs: np.ndarray = self.added(rows, others) + self.own + without[..., None]
        return costs

    def cost(self, columns: np.ndarray) -> np.ndarray:
        """float64 [...]: of schedules."""
        stem = self.profile(columns).max(axis=-2, initial=0.0) @ self.latency
        cost: np.ndarray = stem + self.own[np.arange(columns.shape[-1]), columns].sum(axis=-1)
        return cost

    def added(self, apps: np.ndarray, stems: np.ndarray) -> np.ndarray:
        """float64 [..., len(apps), choices]: what the choices of these applications add to the cost of a stem.

        Args:
            apps: int, the rows asked for.
            stems: float64 [..., len(apps), segments], at which rate the stem runs for all others.
        """
        more = np.maximum(self._rates[:, None] - stems[..., None, :], 0.0) * self.latency
        below = np.zeros((*more.shape[:-1], more.shape[-1] + 1))
        more.cumsum(axis=-1, out=below[..., 1:])
        return np.asarray(below[..., np.arange(len(apps))[:, None], self.level[apps], self.depth[apps]])


def stems_of_others(profile: np.ndarray) -> np.ndarray:
    """float64 [..., applications, segments]: at which rate the stem runs for all but one."""
    count = profile.shape[-2]
    if count == 1:
        return np.zeros_like(profile)
    two = np.partition(profile, count - 2, axis=-2)[..., -2:, :]
    second, first = two[..., :1, :], two[..., 1:, :]
    highest = profile == first
    others: np.ndarray = np.where(highest & (highest.sum(axis=-2, keepdims=True) == 1), second, first)
    return others
