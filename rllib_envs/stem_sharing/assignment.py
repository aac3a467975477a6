"""A schedule in the making: applications decide one after another, first on a freeze point and then on a rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.choices import Alternatives, Choices
from rllib_envs.stem_sharing.greedy import gain_per_cost, improved
from rllib_envs.stem_sharing.schedule import Schedule
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
    chosen: tuple[int, ...] = ()
    """Columns of the first applications' choices."""
    point: int | None = None
    """Which of its freeze points the next application has chosen already, if it has."""
    plan_before: tuple[int, ...] = field(default=(), compare=False, repr=False)
    """That of the state before the last decision, and nothing where none is made. It follows from the decisions."""

    @property
    def app(self) -> int:
        """Index of the application that decides next."""
        return len(self.chosen)

    @property
    def decided(self) -> Schedule:
        return tuple(self.scene.choices.choice(app, column) for app, column in enumerate(self.chosen))

    @property
    def finished(self) -> bool:
        return self.app == len(self.scene.task.applications)

    @property
    def options(self) -> tuple[float, ...]:
        """What there is to choose from: freeze points, or rates where the freeze point is chosen."""
        if self.point is not None:
            return self.scene.task.rates
        return tuple(variant.freeze_point for variant in self.scene.task.applications[self.app].variants)

    @property
    def lowest(self) -> int:
        """Column of the freeze point that is chosen already, at the lowest rate: of all those with it the cheapest."""
        return (self.point or 0) * len(self.scene.task.rates)

    def after(self, option: int, plan: tuple[int, ...]) -> Assignment:
        """`plan` is this state's."""
        if self.point is None:
            return Assignment(self.scene, self.chosen, option, plan)
        return Assignment(self.scene, (*self.chosen, self.lowest + option), plan_before=plan)


class Outlook:
    """What is known of an assignment: which options remain, and a plan for all that is not decided.

    The plan is the answer that a state stands for: in the beginning the greedy scheduler's. A decision that is as
    planned changes nothing. Any other is put into the plan; then the greedy scheduler takes back what is too dear, and
    spends what is left.
    """

    def __init__(self, state: Assignment) -> None:
        self.state = state
        self.scene = state.scene

    @cached_property
    def cheapest(self) -> np.ndarray:
        """int [applications]: the cheapest choices that the decisions leave."""
        cheapest: np.ndarray = cheapest_choices([self])[0]
        return cheapest

    @cached_property
    def plan(self) -> np.ndarray:
        """int [applications]: column of each one's choice."""
        plan: np.ndarray = plans([self])[0]
        return plan

    @cached_property
    def columns(self) -> np.ndarray:
        """int [options, columns]: the choices behind each option of the application that decides."""
        rates = len(self.scene.task.rates)
        if self.state.point is None:
            return np.arange(len(self.state.options) * rates).reshape(-1, rates)
        return np.arange(self.state.lowest, self.state.lowest + rates)[:, None]

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
        legal: np.ndarray = self.least_cost <= self.scene.task.most
        return legal

    @cached_property
    def planned(self) -> int:
        """The option that the plan has."""
        return int((self.plan[self.state.app] - self.columns[0, 0]) // self.columns.shape[1])

    @cached_property
    def loss(self) -> float:
        """Of the plan."""
        losses = self.scene.choices.loss[self.scene.choices.everyone, self.plan].tolist()
        return self.scene.task.quality.together(losses)

    @property
    def schedule(self) -> Schedule:
        return self.scene.choices.schedule(self.plan)

    def after(self, option: int) -> Outlook:
        return Outlook(self.state.after(option, tuple(self.plan.tolist())))


def foresee(outlooks: Sequence[Outlook]) -> None:
    """Have ready what takes longest, for all of one scene and one turn at once: it takes little longer than for one."""
    for name, of_all in (("cheapest", cheapest_choices), ("plan", plans), ("least_cost", least_costs)):
        unknown = [outlook for outlook in outlooks if name not in vars(outlook)]
        for outlook, found in zip(unknown, of_all(unknown) if unknown else (), strict=True):
            setattr(outlook, name, found)


def cheapest_choices(outlooks: Sequence[Outlook]) -> np.ndarray:
    """int [outlooks, applications]: see `Outlook.cheapest`."""
    columns = np.repeat(outlooks[0].scene.cheapest[None], len(outlooks), axis=0)
    _decide(columns, outlooks)
    return columns


def plans(outlooks: Sequence[Outlook]) -> np.ndarray:
    """int [outlooks, applications]: see `Outlook.plan`."""
    scene, before = outlooks[0].scene, np.array([outlook.state.plan_before for outlook in outlooks])
    if before.size:
        found = before.copy()
        _decide(found, outlooks)
        changed = np.flatnonzero((found != before).any(axis=1))
    else:
        found = cheapest_choices(outlooks)
        changed = np.arange(len(found))
    if len(changed):
        allowed = left([outlooks[row] for row in changed.tolist()])
        from_here = partial(improved, scene.choices, budget=scene.task.budget, merit=gain_per_cost)
        columns = from_here(columns=found[changed], allowed=allowed)
        stuck = np.flatnonzero(scene.choices.cost(columns) > scene.task.most)
        if len(stuck):
            cheapest = cheapest_choices([outlooks[row] for row in changed[stuck].tolist()])
            columns[stuck] = from_here(columns=cheapest, allowed=allowed[stuck])
        found[changed] = columns
    return found


def _decide(columns: np.ndarray, outlooks: Sequence[Outlook]) -> None:
    """Put what is decided into schedules, int [outlooks, applications]. Who has chosen a freeze point alone keeps the
    rate that it has there for the time being."""
    app, rates = outlooks[0].state.app, len(outlooks[0].scene.task.rates)
    if app:
        columns[:, :app] = [outlook.state.chosen for outlook in outlooks]
    if outlooks[0].state.point is not None:
        columns[:, app] = columns[:, app] % rates + [outlook.state.lowest for outlook in outlooks]


def left(outlooks: Sequence[Outlook]) -> np.ndarray:
    """bool [outlooks, applications, choices]: those worth their cost of the choices that the decisions leave."""
    choices, state = outlooks[0].scene.choices, outlooks[0].state
    left = np.repeat(choices.worthwhile[None], len(outlooks), axis=0)
    left[:, : state.app] = False
    if state.point is not None:
        columns = np.array([outlook.columns[:, 0] for outlook in outlooks])
        left[:, state.app] = False
        left[np.arange(len(columns))[:, None], state.app, columns] = np.isfinite(choices.loss[state.app, columns])
    return left


def least_costs(outlooks: Sequence[Outlook]) -> np.ndarray:
    """float64 [outlooks, options]: see `Outlook.least_cost`."""
    choices, app = outlooks[0].scene.choices, outlooks[0].state.app
    # At a freeze point the lowest rate comes first, and is the cheapest.
    others, places = np.unique([outlook.columns[:, 0] for outlook in outlooks], return_inverse=True)
    ways = Alternatives(choices, np.full(len(others), app), others)
    costs = ways.costs(np.array([outlook.cheapest for outlook in outlooks]))
    least: np.ndarray = np.take_along_axis(costs, places, axis=1)
    return least
