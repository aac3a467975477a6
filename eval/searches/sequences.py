"""Whole sequences of actions as what is varied: how the searches that mutate and recombine see a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eval.searches.merit import best_merit
from eval.trial import Trial


class Candidate(NamedTuple):
    """A sequence of legal actions, played to the horizon or to where nothing is legal."""

    actions: tuple[int, ...]
    merit: float
    """That of the best state on the way, which is what a user would be handed."""


def play(trial: Trial, wanted: Sequence[int], rng: np.random.Generator) -> Candidate:
    """Take the wanted actions, or a random legal one in place of each that is not legal and beyond the last of them.

    Every state on the way is evaluated. What sequences have in common at their beginning is evaluated once.
    """
    node, way = trial.root, [trial.root]
    while moves := trial.moves(node):
        step = len(node.actions)
        repaired = step >= len(wanted) or wanted[step] not in moves
        node = trial.step(node, moves[rng.integers(len(moves))] if repaired else wanted[step])
        way.append(node)
    return Candidate(node.actions, best_merit(trial, way))


def mutated(actions: Sequence[int], choices: int, rng: np.random.Generator) -> list[int]:
    """One random change: an action replaced, one inserted, or one left out, by any of `choices`, legal or not."""
    changed = list(actions)
    if not changed:
        return changed
    place, action = int(rng.integers(len(changed))), int(rng.integers(choices))
    match rng.integers(3):
        case 0:
            changed[place] = action
        case 1:
            changed.insert(place, action)
        case _:
            del changed[place]
    return changed
