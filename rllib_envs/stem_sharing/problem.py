"""Scheduling applications that share a stem, one decision at a time: for each a freeze point, and then a rate.

Every state stands for an answer: the greedy scheduler's schedule with the decisions in it (`Outlook.plan`). The untuned
state is therefore that schedule itself, every decision is worth something at once, and no policy's answer is worse.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem
from rllib_envs.stem_sharing.assignment import Assignment, Outlook, Scene, foresee
from rllib_envs.stem_sharing.features import (
    APP_FEATURES,
    APPS_SHOWN,
    GLOBAL_FEATURES,
    OPTION_FEATURES,
    shown,
)
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.schedulers import SCHEDULERS, with_all_shared, without_sharing
from rllib_envs.stem_sharing.task import TooLittle

MOST_APPS = 40
"""More have never been scheduled together; an episode of twice as many decisions is long enough to learn from."""
MOST_OPTIONS = 32
"""Freeze points of an application, or rates."""
OUTLOOKS_KEPT = 1024


class StemSharing(Problem[Assignment]):
    """The scheduling problem. Its actions point at the options: freeze points or rates, in rising order."""

    name = "stem_sharing"
    horizon = 2 * MOST_APPS
    actions = tuple(f"option_{index}" for index in range(MOST_OPTIONS))
    spec = ObservationSpec(
        max_tokens=MOST_OPTIONS + APPS_SHOWN,
        token_features=max(len(OPTION_FEATURES), len(APP_FEATURES)),
        global_features=len(GLOBAL_FEATURES),
        points=True,
    )

    def __init__(self) -> None:
        self.config: Mapping[str, Any] = {}
        self._outlooks: OrderedDict[Assignment, Outlook] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Without what is remembered."""
        return partial(type(self)), ()

    def initial(self, benchmark: Benchmark) -> Assignment:
        """Raises TooLittle, a UserError, where no schedule is within the budget."""
        scene = _scene(benchmark)
        task = scene.task
        for number, most, what in (
            (len(task.applications), MOST_APPS, "applications"),
            (scene.most_points, MOST_OPTIONS, "freeze points"),
            (len(task.rates), MOST_OPTIONS, "rates"),
        ):
            if number > most:
                raise UserError(f"benchmark {benchmark.name!r} has {number} {what}; policies take up to {most}")
        return Assignment(scene)

    def _outlook(self, state: Assignment) -> Outlook:
        known = self._outlooks.get(state)
        if known is None:
            known = self._keep(Outlook(state))
        else:
            self._outlooks.move_to_end(state)
        return known

    def _keep(self, outlook: Outlook) -> Outlook:
        self._outlooks[outlook.state] = outlook
        if len(self._outlooks) > OUTLOOKS_KEPT:
            self._outlooks.popitem(last=False)
        return outlook

    def legal(self, state: Assignment) -> np.ndarray:
        legal = np.zeros(len(self.actions), bool)
        known = self._outlook(state).legal
        legal[: len(known)] = known
        return legal

    def apply(self, state: Assignment, action: int) -> Assignment:
        outlook = self._outlook(state)
        if action >= len(outlook.legal) or not outlook.legal[action]:
            raise IllegalAction(f"{self.actions[action]}: {_refusal(outlook, action)}")
        return self._keep(outlook.after(action)).state

    def observe(self, state: Assignment) -> Observation:
        """The options in the rows of their actions; behind them the application that decides and those after it."""
        if state.finished:
            tokens = np.zeros((self.spec.max_tokens, self.spec.token_features), np.float32)
            return Observation(tokens, np.zeros(len(tokens), np.int8), np.zeros(self.spec.global_features, np.float32))
        return Observation(*(array[0] for array in self.observe_batch([state])))

    def observe_batch(self, states: Sequence[Assignment]) -> Observation:
        """With a batch axis in front, of unfinished states of one benchmark in which as much is decided. For many it
        takes little longer than for one; so do, after this, `legal` and `evaluate`."""
        outlooks, spec = [self._outlook(state) for state in states], self.spec
        foresee(outlooks)
        seen = shown(outlooks)
        tokens = np.zeros((len(states), spec.max_tokens, spec.token_features), np.float32)
        mask = np.zeros((len(states), spec.max_tokens), np.int8)
        for first, found in ((0, seen.options), (MOST_OPTIONS, seen.applications)):
            rows = slice(first, first + found.shape[1])
            tokens[:, rows, : found.shape[2]], mask[:, rows] = found, 1
        return Observation(tokens, mask, seen.whole)

    def evaluate(self, state: Assignment) -> Evaluation:
        """The loss of the schedule, in tenths of that of the untuned one."""
        outlook, untuned = self._outlook(state), self._outlook(Assignment(state.scene))
        return self._judged(state.scene, outlook.schedule, untuned.loss)

    def _judged(self, scene: Scene, schedule: Schedule, untuned: float) -> Evaluation:
        task = scene.task
        cost = task.cost(schedule)
        return Evaluation(
            value=task.loss(schedule),
            unit=f"loss ({task.quality.metric})",
            scale=max(untuned / 10, 1e-6),
            higher_is_better=False,
            error="" if task.affords(cost) else f"costs {cost:g}, more than the budget of {task.budget:g}",
            how=f"by the formulas of Jiang et al. 2018, {task.quality.event_length} event length",
            details={"cost": cost},
        )

    def loss(self, state: Assignment) -> float:
        """Only the loss of its schedule, which takes less time."""
        return self._outlook(state).loss

    def answer(self, state: Assignment) -> Schedule:
        """The schedule that a state stands for."""
        return self._outlook(state).schedule

    def record_key(self, state: Assignment) -> None:
        """Evaluating takes less time than looking it up in a file."""

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        """The schedulers, and the two ways to do without one. Where these are too dear, their row says so."""
        alone = {"no_sharing": without_sharing, "max_sharing": with_all_shared}
        solved = {name: partial(self._scheduled, name, None) for name in SCHEDULERS}
        return solved | {name: partial(self._scheduled, "exact", mode) for name, mode in alone.items()}

    def _scheduled(self, scheduler: str, mode: Callable[..., Any] | None, benchmark: Benchmark) -> Evaluation:
        scene = _scene(benchmark)
        untuned = self._outlook(Assignment(scene)).loss
        try:
            schedule = SCHEDULERS[scheduler](mode(scene.task) if mode else scene.task)
        except TooLittle as error:
            return replace(self._judged(scene, scene.task.cheapest, untuned), error=str(error))
        return self._judged(scene, schedule, untuned)

    def describe(self, state: Assignment) -> str:
        outlook = self._outlook(state)
        rows = [f"{'application':20} {'freeze point':>12} {'frames/s':>9} {'loss':>7}"]
        task, schedule = state.scene.task, outlook.schedule
        for index, (app, choice) in enumerate(zip(task.applications, schedule, strict=True)):
            mark = "" if index < state.app else "  planned"
            loss = state.scene.choices.loss[index, outlook.plan[index]]
            rows.append(f"{app.app_id:20} {choice.freeze_point:12} {choice.rate:9g} {loss:7.4f}{mark}")
        return "\n".join([*rows, f"costs {task.cost(schedule):.2f} of {task.budget:g}"])


@lru_cache(maxsize=64)
def _scene(benchmark: Benchmark) -> Scene:
    return Scene(benchmark)


def _refusal(outlook: Outlook, action: int) -> str:
    state, task = outlook.state, outlook.scene.task
    if state.finished:
        return "all applications have decided"
    if action >= len(outlook.legal):
        return f"application {task.applications[state.app].app_id!r} has {len(outlook.legal)} options"
    return f"even the cheapest schedule would cost {outlook.least_cost[action]:.2f} then, of {task.budget:g}"
