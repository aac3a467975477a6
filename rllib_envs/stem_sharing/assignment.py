"""A schedule in the making: applications decide one after another, first on a freeze point and then on a rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.choices import Choices
from rllib_envs.stem_sharing.greedy import gain_per_cost, improved
from rllib_envs.stem_sharing.schedule import Choice, Schedule
from rllib_envs.stem_sharing.task import Task


class Scene:
    """A task with what is computed of it once. Compared by its benchmark."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.task = Task.from_benchmark(benchmark)
        self.task.check_budget()
        self.choices = Choices(self.task)
        self.cheapest = self.choices.columns(self.task.cheapest)
        self.most_points = max(len(app.variants) for app in self.task.applications)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scene) and (self is other or self.benchmark == other.benchmark)

    def __hash__(self) -> int:
        return hash(self.benchmark.name)

    def __reduce__(self) -> tuple[type[Scene], tuple[Benchmark]]:
        return Scene, (self.benchmark,)


@dataclass(frozen=True)
class Assignment:
    """What the first applications have decided."""

    scene: Scene
    decided: Schedule = ()
    freeze_point: int | None = None
    """Of the next application, if it has chosen one already."""
    kept_plan: tuple[int, ...] | None = field(default=None, compare=False, repr=False)
    """The plan of the state before, where the last decision was as planned; it follows from the decisions."""

    @property
    def app(self) -> int:
        """Index of the application that decides next."""
        return len(self.decided)

    @property
    def finished(self) -> bool:
        return self.app == len(self.scene.task.applications)

    @property
    def options(self) -> tuple[float, ...]:
        """What there is to choose from: freeze points, or rates where the freeze point is chosen."""
        if self.freeze_point is not None:
            return self.scene.task.rates
        return tuple(variant.freeze_point for variant in self.scene.task.applications[self.app].variants)

    def after(self, option: int, kept_plan: tuple[int, ...] | None) -> Assignment:
        chosen = self.options[option]
        if self.freeze_point is None:
            return replace(self, freeze_point=int(chosen), kept_plan=kept_plan)
        decided = (*self.decided, Choice(self.freeze_point, chosen))
        return Assignment(self.scene, decided, kept_plan=kept_plan)


class Outlook:
    """What is known of an assignment: which options remain, and a plan for all that is not decided.

    The plan is the answer that a state stands for. It is the one of the state before where the decision was as planned,
    and else what the greedy scheduler makes of the decisions; so no decision that follows the plan makes it worse.
    """

    def __init__(self, state: Assignment) -> None:
        self.state = state
        self.scene = state.scene

    @cached_property
    def allowed(self) -> np.ndarray:
        """bool [applications, choices]: those worth their cost of the choices that the decisions leave."""
        choices, app = self.scene.choices, self.state.app
        allowed = choices.worthwhile.copy()
        allowed[:app] = False
        if self.state.freeze_point is not None:
            allowed[app] = self._at_freeze_point & np.isfinite(choices.loss[app])
        return allowed

    @cached_property
    def _at_freeze_point(self) -> np.ndarray:
        """bool [choices]: those with the freeze point that is chosen already."""
        chosen = Choice(self.state.freeze_point or 0, self.scene.task.rates[0])
        first, rates = self.scene.choices.column(self.state.app, chosen), len(self.scene.task.rates)
        columns = np.arange(self.scene.choices.loss.shape[1])
        at: np.ndarray = (columns >= first) & (columns < first + rates)
        return at

    @cached_property
    def cheapest(self) -> np.ndarray:
        """int [applications]: the cheapest choices that the decisions leave."""
        choices, columns = self.scene.choices, self.scene.cheapest.copy()
        for app, choice in enumerate(self.state.decided):
            columns[app] = choices.column(app, choice)
        if self.state.freeze_point is not None:
            columns[self.state.app] = np.argmax(self._at_freeze_point)
        return columns

    @cached_property
    def plan(self) -> np.ndarray:
        """int [applications]: column of each one's choice."""
        plan: np.ndarray = plans([self])[0]
        return plan

    @cached_property
    def columns(self) -> np.ndarray:
        """int [options, columns]: the choices behind each option of the application that decides."""
        rates = len(self.scene.task.rates)
        if self.state.freeze_point is None:
            return np.arange(len(self.state.options) * rates).reshape(-1, rates)
        return np.flatnonzero(self._at_freeze_point)[:, None]

    @cached_property
    def least_cost(self) -> np.ndarray:
        """float64 [options]: of the cheapest schedule that each leaves."""
        least: np.ndarray = least_costs([self])[0]
        return least

    @cached_property
    def legal(self) -> np.ndarray:
        """bool [options]: those that leave a schedule within the budget."""
        if self.state.finished:
            return np.zeros(0, bool)
        return np.array([self.scene.task.affords(cost) for cost in self.least_cost.tolist()])

    @cached_property
    def planned(self) -> int:
        """The option that the plan has."""
        return int(np.argmax((self.columns == self.plan[self.state.app]).any(axis=1)))

    @cached_property
    def loss(self) -> float:
        """Of the plan."""
        losses = self.scene.choices.loss[np.arange(len(self.plan)), self.plan].tolist()
        return self.scene.task.quality.together(losses)

    @property
    def schedule(self) -> Schedule:
        return self.scene.choices.schedule(self.plan)

    def after(self, option: int) -> Outlook:
        kept_plan = tuple(self.plan.tolist()) if option == self.planned else None
        return Outlook(self.state.after(option, kept_plan))


def foresee(outlooks: Sequence[Outlook]) -> None:
    """Have ready what takes longest, for all of one scene and one turn at once: it takes little longer than for one."""
    for name, of_all in (("plan", plans), ("least_cost", least_costs)):
        unknown = [outlook for outlook in outlooks if name not in vars(outlook)]
        for outlook, found in zip(unknown, of_all(unknown) if unknown else (), strict=True):
            setattr(outlook, name, found)


def plans(outlooks: Sequence[Outlook]) -> np.ndarray:
    """int [outlooks, applications]: see `Outlook.plan`."""
    kept = [outlook.state.kept_plan for outlook in outlooks]
    found = np.array([outlook.cheapest if plan is None else plan for outlook, plan in zip(outlooks, kept, strict=True)])
    new = [index for index, plan in enumerate(kept) if plan is None]
    if new:
        scene, allowed = outlooks[0].scene, np.array([outlooks[index].allowed for index in new])
        found[new] = improved(scene.choices, found[new], scene.task.budget, gain_per_cost, allowed)
    return found


def least_costs(outlooks: Sequence[Outlook]) -> np.ndarray:
    """float64 [outlooks, options]: see `Outlook.least_cost`."""
    choices, app = outlooks[0].scene.choices, outlooks[0].state.app
    others = np.arange(choices.loss.shape[1])
    costs = choices.costs(np.array([outlook.cheapest for outlook in outlooks]), np.full(len(others), app), others)
    columns = np.array([outlook.columns for outlook in outlooks])
    least: np.ndarray = costs[np.arange(len(costs))[:, None, None], columns].min(axis=2)
    return least
