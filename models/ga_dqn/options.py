"""What a parent, or a pair of them, could become: every child that is new, and the features of how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.ga_dqn.features import CHANGE, CROSSING, GeneFeatures
from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.moves import Move

SITUATION = 6
"""Features of the search itself: both parents' speeds and ranks, the share of the budget spent, stagnation."""
INPUTS = {"mutation": CHANGE + SITUATION, "crossover": CROSSING + SITUATION}
"""The two decisions, and how many features each of their choices has."""
FORECAST = "forecast"
"""Where knowledge has what is promising, beside the two decisions."""
MOST_SEGMENTS = 128
"""A gene of 15 knobs has about so many; of more, an even selection is offered."""


@dataclass(frozen=True)
class Options:
    """The choices of one decision."""

    decision: str
    """"mutation" or "crossover"."""
    children: list[Gene]
    """What each choice leads to: new genes, no two of them the same."""
    features: Callable[[], np.ndarray]
    """float32 [children, INPUTS[decision]], made when a network asks."""
    parent: Gene
    parent_score: float
    """The faster one's of two."""


def mutations(
    gene: Gene, score: float, moves: list[tuple[int, Move]], features: GeneFeatures, situation: np.ndarray
) -> Options:
    """Every one of these moves of a knob. The knobs' numbers come with them."""
    children = [(*gene[:knob], move.choice, *gene[knob + 1 :]) for knob, move in moves]
    rows = _with_situation(lambda: features.changes(gene, moves), situation)
    return Options("mutation", children, rows, gene, score)


def crossings(
    gene: Gene, other: Gene, score: float, new: Callable[[Gene], bool], features: GeneFeatures, situation: np.ndarray
) -> Options:
    """Two-point crossover with each segment of the other parent that makes a new child."""
    made = {gene[:a] + other[a:b] + gene[b:]: (a, b) for a, b in _segments(len(gene))}
    kept = {child: segment for child, segment in made.items() if new(child)}
    segments = np.array(list(kept.values())).reshape(-1, 2)
    rows = _with_situation(lambda: features.crossings(gene, other, segments), situation)
    return Options("crossover", list(kept), rows, gene, score)


def _segments(knobs: int) -> Iterator[tuple[int, int]]:
    both = [(first, last) for first in range(knobs) for last in range(first + 1, knobs + 1)]
    yield from both[:: -(-len(both) // MOST_SEGMENTS)]


def _with_situation(rows: Callable[[], np.ndarray], situation: np.ndarray) -> Callable[[], np.ndarray]:
    def made() -> np.ndarray:
        features = rows()
        repeated = np.repeat(situation[None].astype(np.float32), len(features), axis=0)
        return np.concatenate([features, repeated], axis=1)

    return made
