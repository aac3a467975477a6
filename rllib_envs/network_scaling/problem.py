"""Network scaling on the contract: steps on the grid of widths, depths and resolutions that keep the bounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.accuracy_table import Cell, cell_of
from rllib_envs.network_scaling.features import AXIS_FEATURES, GLOBAL_FEATURES, axis_features, global_features
from rllib_envs.network_scaling.grid import AXES, Place
from rllib_envs.network_scaling.places import own_folder, results_file
from rllib_envs.network_scaling.results import PROBLEM, Candidate, Results
from rllib_envs.network_scaling.rules import compound_scaling, optimum
from rllib_envs.network_scaling.surface import ToySurface
from rllib_envs.network_scaling.task import Task, usage_text
from rllib_envs.network_scaling.trainer import Trainer
from rllib_envs.problem import STOP, Benchmark, Evaluation, Observation, ObservationSpec, Problem

WORDS = (("narrower", "wider"), ("shallower", "deeper"), ("coarser", "finer"))
"""Of a step down and up on each axis."""
STEPS = {
    "joint": tuple(product((-1, 0, 1), repeat=len(AXES))),
    "axis": ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1), (0, 0, 0)),
}
"""By what may be changed at a time. The step that changes nothing is `STOP`."""


def action_name(step: tuple[int, ...]) -> str:
    words = [WORDS[axis][way > 0] for axis, way in enumerate(step) if way]
    return "_".join(words) or STOP


class Scaled(NamedTuple):
    """A network on the grid of a task."""

    task: Task
    place: Place


class NetworkScaling(Problem[Scaled]):
    """The scaling problem; every state keeps the bounds, so each is an answer.

    `moves` is "joint" for 27 actions that change all three factors at once, or "axis" for 7 that change one. With
    `live`, what no table has is trained, and results are shared in `folder` (`runs/network_scaling` if empty), where
    measured tables of latencies are looked for too. `images` is the folder of a data set that isn't installed.
    """

    name = PROBLEM

    def __init__(
        self, moves: str = "joint", live: bool = False, folder: str = "", images: str = "", horizon: int = 16
    ) -> None:
        self.steps = STEPS[choose(moves, STEPS, "kind of moves")]
        if horizon < 1:
            raise UserError(f"the horizon is {horizon}; it must be at least 1")
        self.config = {"moves": moves, "live": live, "folder": folder, "images": images, "horizon": horizon}
        self.horizon = horizon
        self.actions = tuple(map(action_name, self.steps))
        self.spec = ObservationSpec(len(AXES), len(AXIS_FEATURES), len(GLOBAL_FEATURES))
        self.folder = Path(folder).absolute() if folder else own_folder()
        self._trainer = Trainer(Path(images) if images else None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without open files and data sets."""
        return partial(type(self), **self.config), ()

    @cached_property
    def results(self) -> Results:
        """What was trained, by anybody who uses the same folder."""
        return Results(results_file(self.folder))

    def initial(self, benchmark: Benchmark) -> Scaled:
        """Also NoArchitecture where nothing keeps the bounds."""
        try:
            task = Task.of(benchmark, self.folder, bool(self.config["live"]))
            task.check()
        except UserError as error:
            raise UserError(f"benchmark {benchmark.name!r}: {error}") from None
        return Scaled(task, task.start)

    def legal(self, state: Scaled) -> np.ndarray:
        task, place = state
        moved = (task.surface.grid.moved(place, step) for step in self.steps)
        return np.array([to is not None and task.fits(to) for to in moved])

    def apply(self, state: Scaled, action: int) -> Scaled:
        task, place = state
        moved = task.surface.grid.moved(place, self.steps[action])
        if moved is None:
            raise IllegalAction(f"{self.actions[action]}: {task.surface.text(place)} is at the end of the grid there")
        if not task.fits(moved):
            usage = task.surface.usage(moved)
            takes = "was not measured" if usage is None else f"takes {usage_text(usage)}"
            raise IllegalAction(
                f"{self.actions[action]}: {task.surface.text(moved)} {takes}; bounds {usage_text(task.bounds)}"
            )
        return Scaled(task, moved)

    def observe(self, state: Scaled) -> Observation:
        """A token for each of width, depth and resolution."""
        mask = np.ones(len(AXES), np.int8)
        return Observation(axis_features(*state), mask, global_features(*state))

    def evaluate(self, state: Scaled) -> Evaluation:
        task, place = state
        if isinstance(task.surface, ToySurface):
            accuracy = task.surface.accuracy(place)
            return Evaluation(accuracy, "share", task.scale, how="closed formula")
        cell, how = self._cell(state)
        return Evaluation(
            cell.mean, "% accuracy", task.scale, error=cell.error, how=how, details={"spread": cell.spread}
        )

    def _cell(self, state: Scaled) -> tuple[Cell, str]:
        """The accuracy of a network, and how it is known."""
        task, place = state
        architecture = task.setting.architecture(task.surface.grid.scaling(place))
        table = task.table
        if table is not None and not task.live:
            return table.cells[architecture.key], f"table {table.path.stem}, mean of {table.seeds} trainings"
        known = table.recorded if table is not None else {}
        found = []
        for seed in range(task.seeds):
            candidate = Candidate(task.setting, architecture, seed)
            recorded = known.get(candidate.solution)
            found.append(recorded or self.results.find_or_train(candidate, self._trainer))
        return cell_of(found), found[0].how

    def objective_key(self, state: Scaled) -> Hashable:
        """Scalings that round to one architecture are one."""
        task, place = state
        if task.toy:
            return "toy", place
        architecture = task.setting.architecture(task.surface.grid.scaling(place))
        return task.setting.key, task.seeds, architecture.key, task.scale

    def record_key(self, state: Scaled) -> None:
        """Results have a file of their own, which keeps every seed apart."""

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        """Compound scaling, and with nothing but tables the best that there is."""
        rules = {"compound_scaling": compound_scaling} | ({} if self.config["live"] else {"optimum": optimum})
        return {name: partial(self._by_rule, rule) for name, rule in rules.items()}

    def _by_rule(self, rule: Callable[[Task], Place], benchmark: Benchmark) -> Evaluation:
        task = self.initial(benchmark).task
        return self.evaluate(Scaled(task, rule(task)))

    def describe(self, state: Scaled) -> str:
        task, place = state
        usage = task.surface.usage(place)
        assert usage is not None
        return f"(width, depth, resolution) = {task.surface.text(place)}: {usage_text(usage)}"
