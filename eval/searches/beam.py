"""Beam search, breadth first: level by level, keeping the best few states of each level by value.

The beam search of Lowerre (1976), for which a level is everything that one action more leads to.
"""

from __future__ import annotations

import numpy as np

from eval.searches.merit import best_of
from eval.trial import Node, Trial


def beam(trial: Trial, rng: np.random.Generator, *, width: int) -> None:
    """Evaluate every child of the `width` nodes kept, keep the best `width` of them, and repeat up to the horizon.

    A level is kept even where it is worse than the one before: a rearrangement often pays only some actions later.
    What does not count is not continued.
    """
    kept, seen = [trial.root], {trial.root.state}
    while kept:
        level: list[Node] = []
        for node in kept:
            for action in trial.moves(node):
                child = trial.step(node, action)
                if child.state not in seen:
                    seen.add(child.state)
                    level.append(child)
        kept = best_of(trial, level, width)
