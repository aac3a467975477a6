"""Measure answers anew, so that nobody wins by a lucky measurement.

A search reports the highest of many noisy values, which is too high on average, and the more so the more it
measured (the winner's curse). Here each answer is measured afresh, in rounds that visit all of them in a new
random order, so that a slow moment of the machine hits no method in particular.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np

from rllib_envs.problem import Evaluation

ROUNDS = 3
"""Odd, so that the middle value is one that was measured."""

Key = TypeVar("Key", bound=Hashable)


class Remeasured(NamedTuple):
    """The round with the middle value, or the one that failed."""

    evaluation: Evaluation
    spread: float
    """(highest - lowest) / middle; nan where a round failed."""


def remeasure(
    measures: Mapping[Key, Callable[[], Evaluation | None]], rng: np.random.Generator, rounds: int = ROUNDS
) -> dict[Key, Remeasured]:
    """Call each entry once a round. What answers None is left out; what fails in any round has failed."""
    keys = list(measures)
    seen: dict[Key, list[Evaluation]] = {key: [] for key in keys}
    for _ in range(rounds):
        for index in rng.permutation(len(keys)):
            evaluation = measures[keys[index]]()
            if evaluation is not None:
                seen[keys[index]].append(evaluation)
    return {key: _middle(evaluations) for key, evaluations in seen.items() if evaluations}


def _middle(evaluations: list[Evaluation]) -> Remeasured:
    failed = [evaluation for evaluation in evaluations if not evaluation.verified]
    if failed:
        return Remeasured(failed[0], float("nan"))
    ordered = sorted(evaluations, key=lambda evaluation: evaluation.value)
    middle = ordered[len(ordered) // 2]
    width = ordered[-1].value - ordered[0].value
    return Remeasured(middle, abs(width / middle.value) if middle.value else 0.0)
