"""Beam search: level by level, keeping the best few states of each level by value."""

from __future__ import annotations

import numpy as np

from eval.trial import Node, Trial
from rllib_envs.problem import Evaluation


def beam(trial: Trial, rng: np.random.Generator, *, width: int) -> None:
    """Evaluate every child of the `width` nodes kept, keep the best `width` of them, and repeat up to the horizon.

    A level is kept even where it is worse than the one before: a rearrangement often pays only some actions later.
    Of states that the objective does not tell apart by value, the one found first is preferred. What does not count
    is not continued.
    """
    kept, seen = [trial.root], {trial.root.state}
    while kept:
        level: list[tuple[Node, Evaluation]] = []
        for node in kept:
            for action in trial.moves(node):
                child = trial.step(node, action)
                if child.state not in seen:
                    seen.add(child.state)
                    level.append((child, trial.evaluate(child)))
        kept = [node for node, _ in sorted(filter(_counts, level), key=_preference)[:width]]


def _counts(candidate: tuple[Node, Evaluation]) -> bool:
    return candidate[1].verified


def _preference(candidate: tuple[Node, Evaluation]) -> float:
    """Lowest first."""
    evaluation = candidate[1]
    return -evaluation.value if evaluation.higher_is_better else evaluation.value
