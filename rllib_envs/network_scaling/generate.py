"""Random bounds on latency and memory, to train policies with and to test them on."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.places import own_folder
from rllib_envs.network_scaling.results import PROBLEM
from rllib_envs.network_scaling.rules import optimum
from rllib_envs.network_scaling.task import NoArchitecture, Task
from rllib_envs.problem import Benchmark

MAX_COUNT = 10_000
LEAST_CHOICE = 2
"""Networks that keep the bounds; with one there is nothing to decide."""
LEAST_SCALE = 1.0
"""Percentage points: what less is to be gained is noise."""
TRIES = 1_000
MARGIN = 1.1
"""The loosest bounds are above all that the networks of the table take."""


def random_bounds(
    table: str, platform: str, device: str, count: int, seed: int = 0, folder: Path | None = None
) -> list[Benchmark]:
    """Tasks on a table, with bounds drawn evenly on a logarithmic scale from the least to the most that its networks
    take. Each depends on the seed and its number alone. A reward of 1 is what can be gained from the start.

    UserError for a table that isn't complete, and where the networks of the grid leave no choice.
    """
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"{count} benchmarks are not possible; ask for 1 to {MAX_COUNT:,}")
    path = AccuracyTable.find(table).path
    spec = {"table": str(path.resolve()) if Path(table).suffix else table, "platform": platform, "device": device}
    place = folder or own_folder()
    return [_draw(spec, place, np.random.default_rng([seed, number])) for number in range(count)]


def _draw(spec: dict[str, str], folder: Path, rng: np.random.Generator) -> Benchmark:
    loosest = _task({**spec, "latency": 1e9, "memory": 1e9}, folder)
    for _ in range(TRIES):
        latency, memory = (
            float(f"{math.exp(rng.uniform(math.log(low), math.log(MARGIN * high))):.4g}")
            for low, high in zip(*loosest.extent, strict=True)
        )
        bounded = {**spec, "latency": latency, "memory": memory}
        task = _task(bounded, folder)
        if sum(map(task.fits, task.surface.grid.places())) < LEAST_CHOICE:
            continue
        try:
            gain = _accuracy(task, optimum(task)) - _accuracy(task, task.start)
        except NoArchitecture:
            continue
        return Benchmark(f"l{latency:g}_m{memory:g}", PROBLEM, {**bounded, "scale": round(max(LEAST_SCALE, gain), 3)})
    raise UserError(f"{TRIES} random bounds on {spec['platform']} {spec['device']} left no choice of networks")


def _task(spec: dict[str, object], folder: Path) -> Task:
    return Task.of(Benchmark("bounds", PROBLEM, spec), folder, live=False)


def _accuracy(task: Task, place: tuple[int, int, int]) -> float:
    assert task.table is not None
    return task.table.cells[task.setting.architecture(task.surface.grid.scaling(place)).key].mean
