"""The small changes of one knob that mutation makes: neighbours in the knob's own sense of near.

The order in which a compiler lists the ways to split a loop puts unlike ones next to each other. Near are those between
which a single prime factor moves from one level to another, or the smallest that leads to a candidate.
"""

from __future__ import annotations

from typing import NamedTuple

from rllib_envs.kernel_tuning.factorizations import divisors
from rllib_envs.kernel_tuning.gene_space import GeneSpace, Knob, TileKnob


class Move(NamedTuple):
    """One change of one knob."""

    kind: str
    """"shift" (of a factor between two levels of a tile), "step" (to the next candidate) or "redraw"."""
    source: int
    """The level that a factor leaves, the innermost is 0; for steps -1 or +1, the direction; 0 for a redraw."""
    target: int
    """The level that a factor goes to; 0 for steps and redraws."""
    choice: int
    """The candidate that it leads to."""


class MoveTable:
    """All moves of each choice of each knob of a space, but for redraws, which lead anywhere."""

    def __init__(self, space: GeneSpace) -> None:
        self._moves = [_moves_of(knob) for knob in space.knobs]

    def of(self, knob: int, choice: int) -> tuple[Move, ...]:
        """The moves of knob number `knob` where it has this choice. There may be none."""
        return self._moves[knob][choice]


def _moves_of(knob: Knob) -> list[tuple[Move, ...]]:
    if isinstance(knob, TileKnob):
        index = {factors: choice for choice, factors in enumerate(knob.factors)}
        return [_shifts(factors, index) for factors in knob.factors]
    return [_steps(choice, knob.choices) for choice in range(knob.choices)]


def _steps(choice: int, choices: int) -> tuple[Move, ...]:
    return tuple(Move("step", by, 0, choice + by) for by in (-1, 1) if 0 <= choice + by < choices)


def _shifts(factors: tuple[int, ...], index: dict[tuple[int, ...], int]) -> tuple[Move, ...]:
    levels = len(factors)
    pairs = [(source, target) for source in range(levels) for target in range(levels) if source != target]
    shifted = ((source, target, _shifted(factors, source, target, index)) for source, target in pairs)
    return tuple(
        Move("shift", levels - 1 - source, levels - 1 - target, choice)
        for source, target, choice in shifted
        if choice is not None
    )


def _shifted(factors: tuple[int, ...], source: int, target: int, index: dict[tuple[int, ...], int]) -> int | None:
    """The candidate after the smallest factor that leads to one has moved: a prime, unless splits are left out."""
    for divisor in divisors(factors[source])[1:]:
        changed = list(factors)
        changed[source] //= divisor
        changed[target] *= divisor
        if tuple(changed) in index:
            return index[tuple(changed)]
    return None
