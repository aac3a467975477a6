"""CMA-ES over action logits (Hansen and Ostermeier 2001): a normal distribution over how much each action is wanted.

With a diagonal covariance (Ros and Hansen 2008): there is a number for each action at each step, and to learn how each
two of them vary together would take more evaluations than any budget here has.
"""

from __future__ import annotations

import math
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from eval.searches.merit import best_merit, merits_of
from eval.trial import Trial
from rllib_envs.errors import MissingPackage

SPREAD = 1.0
"""Standard deviation at the start. Only the order of the logits matters, so any other would do as well."""
WORTHLESS = 1e9
"""Cost of a sequence on which nothing counts: worse than all that do. Only the order matters here, too."""


def require_cma() -> None:
    """MissingPackage where it can't be run. Importing takes seconds, so this also keeps that out of the budget."""
    try:
        import cma  # noqa: F401
    except ImportError as error:
        raise MissingPackage(
            f"search 'cma_es' needs the package cma ({error}); install it: pip install 'tunewright[eval]'"
        ) from None


def cma_es(trial: Trial, rng: np.random.Generator) -> None:
    """Draw a generation of logits, play each, tell their costs, and repeat; start anew where the distribution has
    shrunk to one sequence.

    A sequence takes at each step the legal action with the highest logit, so that every point is legal and the same
    point is always the same sequence. Its cost is that of the best state on the way.
    """
    shape = trial.horizon, len(trial.problem.actions)
    while True:
        strategy = _strategy(math.prod(shape), rng)
        while not strategy.stop():
            points = strategy.ask()
            logits = [point[: math.prod(shape)].reshape(shape).tolist() for point in points]
            strategy.tell(points, [_cost(trial, each) for each in logits])


class _Normal:
    """Normally distributed numbers from a generator of ours."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, *shape: int) -> np.ndarray:
        return self._rng.standard_normal(shape)


def _strategy(dimensions: int, rng: np.random.Generator) -> Any:
    """A copy of one that has done nothing: to make one takes eight times as long, mostly to read its options."""
    strategy, normal = _unused(dimensions)
    return deepcopy(strategy, {id(normal): _Normal(rng)})


@cache
def _unused(dimensions: int) -> tuple[Any, _Normal]:
    import cma

    normal = _Normal(np.random.default_rng())
    options = {
        "CMA_diagonal": True,
        "randn": normal,
        "seed": math.nan,  # numpy's own generator is left alone
        "verbose": -10,  # says nothing, and reads no commands from a file in the working directory
        "verb_log": 0,
    }
    start = np.zeros(max(dimensions, 2))  # it refuses a single dimension
    return cma.CMAEvolutionStrategy(start, SPREAD, options), normal


def _cost(trial: Trial, logits: list[list[float]]) -> float:
    node, way = trial.root, [trial.root]
    while moves := trial.moves(node):
        node = trial.step(node, max(moves, key=logits[len(node.actions)].__getitem__))
        way.append(node)
    best = best_merit(merits_of(trial, way))
    return -best if best > -math.inf else WORTHLESS
