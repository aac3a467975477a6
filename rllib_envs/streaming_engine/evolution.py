"""CMA-ES over whole numbers: a row and a column for each tile-memory group of nodes, and a spoke for each root.

The covariance matrix is adapted by Hansen's `cma`, which takes the variables for integers (Hansen, "A CMA-ES for
Mixed-Integer Nonlinear Optimization", 2011). All that a generation draws is scored at once, as annealing scores its
chains: what is not valid has a penalty. When a distribution has become narrow, a new one starts, with twice as many
draws in a generation (Auger and Hansen, "A Restart CMA Evolution Strategy With Increasing Population Size", 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rllib_envs.errors import MissingPackage
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.chains import Chains
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.solved import Progress, Solved
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task

POPULATION, MOST = 64, 1024
"""Mappings in a generation at first, and at most."""
SPREAD = 0.3
"""Deviation at first, as a share of a variable's range."""
MANY = 200
"""Variables from which on only their variances are adapted: the whole matrix takes time with their cube."""
SEEDS = 2**31 - 1


def solve(
    task: Task,
    seconds: float,
    rng: np.random.Generator,
    *,
    start: Mapping | None = None,
    mappings: int | None = None,
) -> Solved:
    """The best mapping that is drawn in time, or among `mappings`; never worse than `start`.

    MissingPackage without `cma`.
    """
    cma = _cma()
    progress = Progress(task, seconds, mappings)
    conflicts = conflicts_seen(task)
    if conflicts:
        return progress.answer(0, infeasible=True, conflicts=conflicts)
    progress.begin(start)
    lowest, ranges, population = bounds(task).makespan, _ranges(task), POPULATION
    while progress.share < 1 and progress.makespan != lowest:
        strategy = _strategy(cma, ranges, population, rng)
        while not strategy.stop() and progress.share < 1 and progress.makespan != lowest:
            drawn = strategy.ask()
            strategy.tell(drawn, _energies(progress, np.array(drawn)))
        population = min(2 * population, MOST)
    return progress.answer(lowest)


def _cma() -> Any:
    try:
        import cma
    except ImportError as error:
        raise MissingPackage(f"CMA-ES needs cma ({error}); pip install 'tunewright[solvers]'") from None
    return cma


def _ranges(task: Task) -> np.ndarray:
    """int [variables]: how many values each has. Rows of all groups, columns of all groups, spokes of all roots."""
    device, groups = task.device, len(task.groups)
    return np.array([device.rows] * groups + [device.columns] * groups + [device.spokes] * len(task.graph.roots))


def _strategy(cma: Any, ranges: np.ndarray, population: int, rng: np.random.Generator) -> Any:
    """A distribution that begins somewhere in the range; values are numbers whose whole part counts."""
    options = {
        "popsize": population,
        "seed": int(rng.integers(1, SEEDS)),
        "verbose": -9,
        "integer_variables": list(range(len(ranges))),
        "bounds": [[-0.49] * len(ranges), list(ranges - 0.51)],
        "CMA_stds": list(np.maximum(SPREAD * ranges, 0.5)),
        "CMA_diagonal": len(ranges) > MANY,
    }
    return cma.CMAEvolutionStrategy(list(rng.uniform(0, ranges - 0.99)), 1.0, options)


def _energies(progress: Progress, drawn: np.ndarray) -> list[float]:
    """How good each row of `drawn` [population, variables] is, less is better; the best valid one is offered."""
    task = progress.task
    groups, device = len(task.groups), task.device
    values = np.clip(np.rint(drawn), 0, _ranges(task) - 1).astype(int)
    places = values[:, :groups] * device.columns + values[:, groups : 2 * groups]
    tiles = places[:, list(task.group_of)].T
    spokes = np.zeros((len(task.graph), len(drawn)), int)
    spokes[list(task.graph.roots)] = values[:, 2 * groups :].T
    chains = Chains(task, np.ascontiguousarray(tiles), spokes)
    progress.evaluations += len(drawn)
    makespans = np.where(chains.score.broken == 0, chains.score.makespans, np.iinfo(np.int32).max)
    best = int(makespans.argmin())
    if chains.score.broken[best] == 0:
        progress.offer(chains.mapping(best), int(makespans[best]))
    return [float(energy) for energy in chains.score.energies]
