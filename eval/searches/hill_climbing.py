"""Hill climbing by the first move that is better, for evaluations that are too dear to try every move."""

from __future__ import annotations

import numpy as np

from eval.searches.sequences import drawn
from eval.trial import Node, Trial


def hill_climbing(trial: Trial, rng: np.random.Generator, start: Node | None = None) -> None:
    """Try the moves in random order and go on from the first better state.

    Where none is better, some random moves from the untuned state are a new beginning. Climbing begins at `start`, or
    at the untuned state.
    """
    here = start or trial.root
    while True:
        climbed = _climbed(trial, here, rng)
        here = climbed or _elsewhere(trial, rng)


def _climbed(trial: Trial, here: Node, rng: np.random.Generator) -> Node | None:
    """A better neighbour; None where there is none."""
    value = trial.evaluate(here)
    moves = trial.moves(here)
    for index in rng.permutation(len(moves)):
        child = trial.step(here, moves[index])
        if trial.evaluate(child).better_than(value):
            return child
    return None


def _elsewhere(trial: Trial, rng: np.random.Generator) -> Node:
    """Behind one to `horizon` random moves."""
    node = trial.root
    for _ in range(1 + drawn(rng, trial.horizon)):
        moves = trial.moves(node)
        if not moves:
            break
        node = trial.step(node, moves[drawn(rng, len(moves))])
    return node
