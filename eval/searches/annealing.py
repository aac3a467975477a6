"""Simulated annealing over sequences of actions (Kirkpatrick, Gelatt and Vecchi 1983, Science 220)."""

from __future__ import annotations

import math

import numpy as np

from eval.searches.sequences import mutated, play
from eval.trial import Trial

HOT, COLD = 0.1, 0.001
"""Temperatures at the start and at the end, in units of the evaluation's scale: a sequence that is worse by as much is
accepted with probability 1/e. A tenth of a processor's peak is what a good decision wins, a thousandth is noise."""


def temperature(progress: float) -> float:
    """At a share of the budget from 0 to 1: it falls geometrically."""
    return HOT * math.pow(COLD / HOT, progress)


def annealing(trial: Trial, rng: np.random.Generator) -> None:
    """Change one action at a time; accept what is no worse, and what is worse the less often the colder it is.

    How cold it is depends on the share of the budget that is spent, of seconds or of evaluations, so the schedule ends
    when the budget does.
    """
    present = play(trial, (), rng)
    while True:
        candidate = play(trial, mutated(present.actions, len(trial.problem.actions), rng), rng, present)
        if candidate.merit >= present.merit or rng.random() < _accepted(candidate.merit - present.merit, trial):
            present = candidate


def _accepted(difference: float, trial: Trial) -> float:
    """The probability of what is worse by so much."""
    return math.exp(difference / temperature(trial.progress))
