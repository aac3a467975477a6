"""Random search: the plainest method, and the one that each other has to beat."""

from __future__ import annotations

import numpy as np

from eval.trial import Trial


def random_walks(trial: Trial, rng: np.random.Generator) -> None:
    """Walk from the untuned state by uniformly drawn legal actions up to the horizon, and start again."""
    while True:
        node = trial.root
        trial.evaluate(node)  # known, so it costs nothing, and it ends the search where no action is legal at all
        while moves := trial.moves(node):
            node = trial.step(node, moves[rng.integers(len(moves))])
            trial.evaluate(node)
