"""Random search: the plainest method, and the one that each other has to beat."""

from __future__ import annotations

import numpy as np

from eval.searches.sequences import play
from eval.trial import Trial


def random_walks(trial: Trial, rng: np.random.Generator) -> None:
    """Walk from the untuned state by uniformly drawn legal actions up to the horizon, and start again."""
    while True:
        play(trial, (), rng)
