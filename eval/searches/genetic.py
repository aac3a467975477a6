"""A genetic algorithm over sequences of actions (Holland 1975), one child at a time (GENITOR, Whitley 1989)."""

from __future__ import annotations

import numpy as np

from eval.searches.sequences import Candidate, drawn, mutated, play
from eval.trial import Trial

POPULATION = 24
"""A second of measuring matrix products pays for some ten times as many."""
TOURNAMENT = 3
"""The better of so many drawn becomes a parent; more would let the first good find take over."""


def genetic(trial: Trial, rng: np.random.Generator) -> None:
    """Cross two parents at one point, change one action of the child, repair it, and let it replace the worst if it is
    better. Twins are refused, so that the population stays different enough to be worth crossing.

    Replacing one at a time keeps the best for ever, and uses what was learnt at once: a budget is small here.
    """
    population = [play(trial, (), rng) for _ in range(POPULATION)]
    while True:
        mother, father = _chosen(population, rng), _chosen(population, rng)
        point = drawn(rng, len(mother.actions) + 1)
        wanted = (*mother.actions[:point], *father.actions[point:])
        child = play(trial, mutated(wanted, len(trial.problem.actions), rng), rng, mother)
        worst = min(range(POPULATION), key=lambda index: population[index].merit)
        if child.merit > population[worst].merit and all(child.actions != other.actions for other in population):
            population[worst] = child


def _chosen(population: list[Candidate], rng: np.random.Generator) -> Candidate:
    return max((population[drawn(rng, len(population))] for _ in range(TOURNAMENT)), key=_merit)


def _merit(candidate: Candidate) -> float:
    return candidate.merit
