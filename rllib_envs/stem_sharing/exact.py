"""The best schedule, with proof: a mixed-integer linear programme, solved by HiGHS.

Binary x[app, choice] picks one choice an application. y[segment, rate] in [0, 1] says that a segment of the stem runs
at that rate or a higher one; it is at least the sum of the x that need it to. The cost of a segment is linear in them:
each y costs the segment's latency times the step from the next lower rate. Written like this, the linear relaxation is
far tighter than with one y for each segment alone. y needs not be binary, but HiGHS proves its answer up to five times
as fast when it may branch on which rate the stem runs at.

Most choices can be seen not to matter: where the relaxation's loss with a choice (its reduced cost on top) is above
that of a schedule which is known, no better schedule has it. So the programme is solved with the most promising choices
first, and then with all that can still be part of a better schedule than what came of that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rllib_envs.errors import MissingPackage
from rllib_envs.stem_sharing.greedy import greedy, published
from rllib_envs.stem_sharing.quality import Aggregate
from rllib_envs.stem_sharing.schedule import Choice, Schedule
from rllib_envs.stem_sharing.task import Task

try:
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp
    from scipy.sparse import coo_array, vstack
except ImportError as error:
    raise MissingPackage(f"exact schedules need SciPy ({error}); pip install 'tunewright[solvers]'") from None

NOTHING_NEEDED = np.zeros((2, 0), int), np.zeros(0, int)
PROMISING = 2e-3
"""Choices that would add more than this to the relaxation's loss are left out at first."""
INFEASIBLE = 2
"""Status that scipy gives a programme without any solution."""
GAP = 2e-6
"""Between loss and bound, below which a schedule counts as the best; HiGHS ends at half of it."""


@dataclass(frozen=True)
class Solved:
    """What came of solving."""

    schedule: Schedule
    loss: float
    bound: float
    """No schedule loses less."""

    @property
    def proven(self) -> bool:
        return self.loss - self.bound <= GAP


class Option(NamedTuple):
    """A choice that may be part of a best schedule."""

    app: int
    choice: Choice
    loss: float


def solve(task: Task, seconds: float = 60.0) -> Solved:
    """The best schedule, or the best one found in that time with the bound that is proven. Raises TooLittle when there
    is none.
    """
    best = min(greedy(task), greedy(task, published), key=task.loss)
    programme = _Programme(task)
    relaxed, reduced_costs = programme.relaxation()
    ends, margin, bound = time.monotonic() + seconds, PROMISING, relaxed
    while True:
        schedule, bound_within = programme.solve(reduced_costs <= margin, max(ends - time.monotonic(), 0.01))
        best = min([best, *filter(None, [schedule])], key=task.loss)
        bound = max(bound, min(bound_within, relaxed + margin))
        solved = Solved(best, task.loss(best), bound)
        if solved.proven or solved.loss <= relaxed + margin or time.monotonic() >= ends:
            return solved
        margin = solved.loss - relaxed


def options(task: Task) -> list[Option]:
    """All choices but those that can be replaced by one which loses no more and costs no more, whatever the others do:
    one with the same or a higher freeze point and the same or a lower rate. Its own layers cost less, by at least as
    much as it can add to the stem.
    """
    kept = []
    for index, (app, table) in enumerate(zip(task.applications, task.losses, strict=True)):
        best: np.ndarray = np.full(len(task.rates), np.inf)
        """[rates]: the least loss at this rate or a lower one, at a higher freeze point."""
        for variant, row in zip(reversed(app.variants), table[::-1], strict=True):
            so_far = np.minimum.accumulate(np.concatenate([[np.inf], row[:-1]]))
            useful = row < np.minimum(best, so_far)
            kept += [
                Option(index, Choice(variant.freeze_point, task.rates[column]), float(row[column]))
                for column in np.flatnonzero(useful)
            ]
            best = np.minimum(best, np.minimum.accumulate(row))
    return kept


class _Programme:
    """Columns: one for each option, one for each segment and rate, and for max-min one for the worst loss."""

    def __init__(self, task: Task) -> None:
        self._options = options(task)
        self._apps = len(task.applications)
        points = sorted({option.choice.freeze_point for option in self._options} - {0})
        rates = sorted({option.choice.rate for option in self._options})
        starts = [0, *points][:-1]
        steps = np.diff([0.0, *rates])
        latency = np.array([task.network.between(start, end) for start, end in zip(starts, points, strict=True)])
        count, segments = len(self._options), len(points) * len(rates)
        worst = int(task.quality.aggregate is Aggregate.WORST)
        columns = count + segments + worst

        losses = np.array([option.loss for option in self._options])
        self.objective = np.zeros(columns)
        if worst:
            self.objective[-1] = 1.0
        else:
            self.objective[:count] = losses / self._apps
        self.integrality = np.ones(columns)
        self.integrality[count + segments :] = 0

        own = [
            task.network.between(option.choice.freeze_point, task.network.layers) * option.choice.rate
            for option in self._options
        ]
        stem = (latency[:, None] * steps[None, :]).ravel()
        price = np.concatenate([own, stem, np.zeros(worst)])
        apps = np.array([option.app for option in self._options])
        choose_one = coo_array((np.ones(count), (apps, np.arange(count))), shape=(self._apps, columns))
        self.constraints = [
            LinearConstraint(price[None, :], -np.inf, task.most),
            LinearConstraint(choose_one, 1, 1),
            LinearConstraint(self._needs(points, rates, columns), -np.inf, 0),
        ]
        if worst:
            weighed = coo_array((losses, (apps, np.arange(count))), shape=(self._apps, columns)).tolil()
            weighed[:, columns - 1] = -1.0
            self.constraints.append(LinearConstraint(weighed.tocsr(), -np.inf, 0))

    def _needs(self, points: list[int], rates: list[float], columns: int) -> coo_array:
        """For each application, segment and rate: the options that need the segment at that rate, minus its y."""
        apps, freeze_points, chosen_rates = (
            np.array(column) for column in zip(*((o.app, *o.choice) for o in self._options), strict=True)
        )
        needs = (freeze_points >= np.array(points, int)[:, None, None]) & (chosen_rates >= np.array(rates)[:, None])
        segments, levels, cols = np.nonzero(needs)
        y = segments * len(rates) + levels
        needed, rows = np.unique(np.stack([apps[cols], y]), axis=1, return_inverse=True) if len(y) else NOTHING_NEEDED
        count = needed.shape[1]
        values = np.concatenate([np.ones(len(cols)), np.full(count, -1.0)])
        rows, cols = np.append(rows, np.arange(count)), np.append(cols, len(self._options) + needed[1])
        return coo_array((values, (rows, cols)), shape=(count, columns))

    def relaxation(self) -> tuple[float, np.ndarray]:
        """Its loss, where choices may be mixed, and float64 [options]: how much more it is at least with each."""
        budget, choose_one, *needs = self.constraints
        rows = vstack([coo_array(each.A) for each in (budget, *needs)])
        limits = np.concatenate([np.full(each.A.shape[0], each.ub) for each in (budget, *needs)])
        ones = np.ones(self._apps)
        solved = linprog(self.objective, rows, limits, choose_one.A, ones, bounds=(0, 1), method="highs")
        if solved.fun is None:  # of numerical trouble; nothing is known then
            return 0.0, np.zeros(len(self._options))
        return float(solved.fun), solved.lower.marginals[: len(self._options)]

    def solve(self, among: np.ndarray, seconds: float) -> tuple[Schedule | None, float]:
        """The best schedule of these options, bool [options], that was found in time, and the bound for all of them."""
        upper = np.ones(len(self.objective))
        upper[: len(among)] = among
        solved = milp(
            self.objective,
            constraints=self.constraints,
            integrality=self.integrality,
            bounds=Bounds(0, upper),
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if solved.x is not None:
            return self._schedule(solved.x), float(solved.mip_dual_bound)
        impossible = solved.status == INFEASIBLE
        return None, np.inf if impossible else 0.0

    def _schedule(self, solution: np.ndarray) -> Schedule:
        chosen: dict[int, tuple[float, Choice]] = {}
        for option, value in zip(self._options, solution.tolist(), strict=False):
            chosen[option.app] = max(chosen.get(option.app, (-1.0, option.choice)), (value, option.choice))
        return tuple(chosen[app][1] for app in range(self._apps))
