"""What a network sees of an assignment: the options of the application that decides, the applications, the whole."""

from __future__ import annotations

import numpy as np

from rllib_envs.stem_sharing.assignment import Outlook
from rllib_envs.stem_sharing.quality import Aggregate
from rllib_envs.stem_sharing.task import TOLERANCE

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


def option_features(outlook: Outlook) -> np.ndarray:
    """float32 [options, OPTION_FEATURES]."""
    scene, state, app = outlook.scene, outlook.state, outlook.state.app
    choices, budget = scene.choices, scene.task.budget
    columns = outlook.columns
    loss = choices.loss[app][columns]
    costs = choices.costs(outlook.plan)[app]
    more = (costs - costs[outlook.plan[app]])[columns]
    fits = costs[columns] <= budget * (1 + TOLERANCE)
    fitting = np.where(fits, loss, np.inf)
    best = fitting.argmin(axis=1)[:, None]
    fitting_loss = np.take_along_axis(fitting, best, axis=1)[:, 0]
    beside = np.take_along_axis(more, best, axis=1)[:, 0]
    planned_loss = choices.loss[app, outlook.plan[app]]
    stems = choices.profile(outlook.cheapest)[:app].max(axis=0, initial=0.0)[None, :]
    beside_decided = (choices.added(np.array([app]), stems)[0] + choices.own[app])[columns]
    options = np.array(state.options, float)
    planned = np.arange(len(options)) == outlook.planned
    found = [
        PREFERENCE * planned,
        planned,
        options / max(options.max(), 1.0),
        loss.min(axis=1),
        np.where(np.isfinite(fitting_loss), fitting_loss, 1.0),
        10 * np.where(np.isfinite(fitting_loss), planned_loss - fitting_loss, -0.1),
        np.clip(beside / budget, -1, 1),
        choices.own[app][columns].min(axis=1) / budget,
        beside_decided.min(axis=1) / budget,
        (budget - outlook.least_cost) / budget,
        fits.any(axis=1),
        np.full(len(options), state.freeze_point is not None),
    ]
    return np.stack(found, axis=1).clip(-5, 5).astype(np.float32)


def app_features(outlook: Outlook) -> np.ndarray:
    """float32 [applications shown, APP_FEATURES]: the one that decides first."""
    scene, first = outlook.scene, outlook.state.app
    task, choices, plan = scene.task, scene.choices, outlook.plan
    apps = np.arange(first, min(first + APPS_SHOWN, len(plan)))
    planned_loss = choices.loss[apps, plan[apps]]
    gain = planned_loss[:, None] - choices.loss[apps]
    costs = choices.costs(plan)
    more = (costs[apps] - costs[0, plan[0]]) / task.budget
    worth = np.where(gain > 0, gain / np.maximum(more, 0.01), 0.0).max(axis=1)
    rates = len(task.rates)
    rows = [
        (
            app.event_ms / 1000,
            app.frequency,
            app.correlation,
            choices.loss[index, (len(app.variants) - 1) * rates : len(app.variants) * rates].min(),
        )
        for index, app in zip(apps.tolist(), task.applications[first:], strict=False)
    ]
    length, frequency, correlation, highest = np.array(rows).T
    found = [
        planned_loss,
        choices.loss[apps].min(axis=1),
        highest,
        choices.depth[apps, plan[apps]] / max(len(choices.latency), 1),
        choices.rate[apps, plan[apps]] / task.rates[-1],
        worth / 5,
        length,
        frequency,
        correlation,
        apps == first,
    ]
    return np.stack(found, axis=1).clip(-5, 5).astype(np.float32)


def global_features(outlook: Outlook) -> np.ndarray:
    """float32 [GLOBAL_FEATURES]."""
    scene, state, plan = outlook.scene, outlook.state, outlook.plan
    task, choices = scene.task, scene.choices
    stem = choices.profile(plan).max(axis=0, initial=0.0)
    losses = choices.loss[np.arange(len(plan)), plan]
    found = (
        len(plan) / 10,
        state.app / len(plan),
        task.budget / (task.network.total * task.rates[-1]),
        1 - choices.cost(plan) / task.budget,
        choices.cost(outlook.cheapest) / task.budget,
        outlook.loss,
        losses.max(),
        stem.max(initial=0.0) / task.rates[-1],
        float(choices.latency[stem > 0].sum()) / task.network.total,
        task.quality.aggregate is Aggregate.WORST,
        state.freeze_point is not None,
    )
    return np.array(found, np.float32).clip(-5, 5)
