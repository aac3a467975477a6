"""What a network sees of an assignment: the options of the application that decides, the applications, the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rllib_envs.stem_sharing.assignment import Outlook
from rllib_envs.stem_sharing.choices import Alternatives
from rllib_envs.stem_sharing.quality import Aggregate

APPS_SHOWN = 12
"""The one that decides, and those after it."""
PREFERENCE = 3.0
"""Logit of the planned option, so that an untrained policy mostly follows the plan."""
OPTION_FEATURES = (
    "preferred",
    "is planned",
    "freeze point or rate, of the highest",
    "least loss",
    "least loss that fits the plan",
    "that, less than the plan's",
    "its cost beside the plan's",
    "least cost of own layers",
    "least cost beside the decided stem",
    "what remains of the budget at least",
    "fits the plan",
    "asks for a rate",
)
APP_FEATURES = (
    "planned loss",
    "least loss",
    "least loss at the highest freeze point",
    "planned freeze point",
    "planned rate",
    "most gained for its cost",
    "event length",
    "frequency",
    "correlation",
    "decides next",
)
GLOBAL_FEATURES = (
    "applications",
    "share decided",
    "budget, in whole networks at full rate",
    "share of the budget that the plan leaves",
    "share of the budget that is decided or unavoidable",
    "planned loss",
    "worst planned loss",
    "highest rate of the planned stem",
    "share of layers in the planned stem",
    "the worst application counts",
    "asks for a rate",
)


class Shown(NamedTuple):
    """Float32; `outlooks` in front."""

    options: np.ndarray
    """[outlooks, options, OPTION_FEATURES]."""
    applications: np.ndarray
    """[outlooks, applications shown, APP_FEATURES]: the one that decides first."""
    whole: np.ndarray
    """[outlooks, GLOBAL_FEATURES]."""


def shown(outlooks: Sequence[Outlook]) -> Shown:
    """Of outlooks of one scene and one turn. For many it takes little longer than for one."""
    seen = _Seen(outlooks)
    return Shown(*(part.clip(-5, 5).astype(np.float32) for part in (_options(seen), _applications(seen), _whole(seen))))


class _Seen:
    """Arrays with `outlooks` in front."""

    def __init__(self, outlooks: Sequence[Outlook]) -> None:
        self.outlooks, first = outlooks, outlooks[0]
        self.scene, self.state, self.app = first.scene, first.state, first.state.app
        self.choices, self.budget = self.scene.choices, self.scene.task.budget
        self.plan = np.array([outlook.plan for outlook in outlooks])
        self.cheapest = np.array([outlook.cheapest for outlook in outlooks])
        self.columns = np.array([outlook.columns for outlook in outlooks])
        self.planned_loss = self.choices.loss[self.choices.everyone, self.plan]
        self.planned_cost = self.choices.cost(self.plan)
        self.shown = self.choices.everyone[self.app : self.app + APPS_SHOWN]
        considered = self.choices.worthwhile[self.shown]
        considered[0] = True
        rows, others = np.nonzero(considered)
        ways = Alternatives(self.choices, self.shown[rows], others)
        self.costs, self.gains = ways.costs(self.plan), ways.gains(self.plan)
        """float64 [outlooks, alternatives]: of all choices of the application that decides, and of those worth their
        cost of the others."""
        self.first = np.flatnonzero(np.diff(rows, prepend=-1))
        """int [applications shown]: where each one's alternatives begin."""

    def of_options(self, by_choice: np.ndarray) -> np.ndarray:
        """[outlooks, options, columns] from [outlooks, choices]."""
        found: np.ndarray = by_choice[np.arange(len(by_choice))[:, None, None], self.columns]
        return found


def _options(seen: _Seen) -> np.ndarray:
    app, choices, budget = seen.app, seen.choices, seen.budget
    loss = choices.loss[app][seen.columns]
    costs = seen.of_options(seen.costs[:, : choices.loss.shape[1]])
    more = costs - seen.planned_cost[:, None, None]
    fits = costs <= seen.scene.task.most
    fitting = np.where(fits, loss, np.inf)
    best = fitting.argmin(axis=2)[..., None]
    fitting_loss = np.take_along_axis(fitting, best, axis=2)[..., 0]
    beside = np.take_along_axis(more, best, axis=2)[..., 0]
    decided = choices.added(choices.profile(seen.cheapest)[:, :app].max(axis=1, initial=0.0))
    beside_decided = seen.of_options(decided[:, choices.place[app]] + choices.own[app])
    options = np.array(seen.state.options, float)
    least_cost = np.array([outlook.least_cost for outlook in seen.outlooks])
    planned = np.arange(len(options)) == np.array([outlook.planned for outlook in seen.outlooks])[:, None]
    fit = np.isfinite(fitting_loss)
    found = [
        PREFERENCE * planned,
        planned,
        options / max(options.max(), 1.0),
        loss.min(axis=2),
        np.where(fit, fitting_loss, 1.0),
        10 * np.where(fit, seen.planned_loss[:, app, None] - fitting_loss, -0.1),
        np.clip(beside / budget, -1, 1),
        choices.own[app][seen.columns].min(axis=2) / budget,
        beside_decided.min(axis=2) / budget,
        (budget - least_cost) / budget,
        fits.any(axis=2),
        float(seen.state.point is not None),
    ]
    return _stacked(found, planned.shape)


def _applications(seen: _Seen) -> np.ndarray:
    choices, first, apps, rates = seen.choices, seen.app, seen.shown, len(seen.scene.task.rates)
    more = (seen.costs - seen.planned_cost[:, None]) / seen.budget
    worth = np.where(seen.gains > 0, seen.gains / np.maximum(more, 0.01), 0.0)
    plan, loss = seen.plan[:, apps], choices.loss[apps]
    rows = [
        (
            app.event_ms / 1000,
            app.frequency,
            app.correlation,
            choices.loss[index, (len(app.variants) - 1) * rates : len(app.variants) * rates].min(),
        )
        for index, app in zip(apps.tolist(), seen.scene.task.applications[first:], strict=False)
    ]
    length, frequency, correlation, highest = np.array(rows).T
    found = [
        seen.planned_loss[:, apps],
        loss.min(axis=1),
        highest,
        choices.depth[apps, plan] / max(len(choices.latency), 1),
        choices.rate[apps, plan] / seen.scene.task.rates[-1],
        np.maximum.reduceat(worth, seen.first, axis=1) / 5,
        length,
        frequency,
        correlation,
        apps == first,
    ]
    return _stacked(found, plan.shape)


def _whole(seen: _Seen) -> np.ndarray:
    task, choices, count = seen.scene.task, seen.choices, seen.plan.shape[1]
    stem = choices.profile(seen.plan).max(axis=1, initial=0.0)
    found = [
        count / 10,
        seen.app / count,
        task.budget / (task.network.total * task.rates[-1]),
        1 - seen.planned_cost / task.budget,
        choices.cost(seen.cheapest) / task.budget,
        np.array([outlook.loss for outlook in seen.outlooks]),
        seen.planned_loss.max(axis=1),
        stem.max(axis=1, initial=0.0) / task.rates[-1],
        (stem > 0) @ choices.latency / task.network.total,
        float(task.quality.aggregate is Aggregate.WORST),
        float(seen.state.point is not None),
    ]
    return _stacked(found, (len(seen.plan),))


def _stacked(found: Sequence[np.ndarray | float], shape: tuple[int, ...]) -> np.ndarray:
    """float64 [*shape, features]: each feature, or what it is for all."""
    stacked = np.empty((*shape, len(found)))
    for index, feature in enumerate(found):
        stacked[..., index] = feature
    return stacked
