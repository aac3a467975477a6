"""Moves between neighbouring choices of a knob."""

from __future__ import annotations

import math

import pytest

from rllib_envs.kernel_tuning.factorizations import factorizations
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.moves import MoveTable

TILE = TileKnob("i", factorizations(24, 3))
SPACE = GeneSpace((TILE, ChoiceKnob("unroll", (0, 16, 64)), LocationKnob("at", (-1,))))
TABLE = MoveTable(SPACE)


def test_a_shift_takes_one_prime_from_the_level_that_it_names_to_the_other() -> None:
    for choice, factors in enumerate(TILE.factors):
        for move in TABLE.of(0, choice):
            after = TILE.factors[move.choice]
            ratios = [b / a for a, b in zip(factors, after, strict=True)][::-1]
            prime = 1 / ratios[move.source]
            assert prime in (2, 3) and ratios[move.target] == pytest.approx(prime)
            assert math.prod(ratios) == pytest.approx(1)


def test_every_tile_can_be_reached_from_every_other() -> None:
    reached, new = {0}, {0}
    while new:
        new = {move.choice for choice in new for move in TABLE.of(0, choice)} - reached
        reached |= new
    assert len(reached) == TILE.choices


def test_a_split_that_is_no_candidate_is_no_move() -> None:
    limited = TileKnob("i", factorizations(64, 2, innermost=8))
    table = MoveTable(GeneSpace((limited,)))
    for choice in range(limited.choices):
        assert all(limited.factors[move.choice][-1] <= 8 for move in table.of(0, choice))


def test_steps_stay_in_range() -> None:
    assert [move.choice for move in TABLE.of(1, 0)] == [1]
    assert [move.choice for move in TABLE.of(1, 1)] == [0, 2]
    assert TABLE.of(2, 0) == ()


def test_where_few_factors_are_allowed_a_shift_takes_the_smallest_that_leads_to_a_candidate() -> None:
    few = TileKnob("i", factorizations(128, 4, allowed=(1, 8, 16)))
    table = MoveTable(GeneSpace((few,)))
    reached = {few.factors[move.choice] for move in table.of(0, few.factors.index((1, 8, 16, 1)))}
    assert reached == {(8, 1, 16, 1), (16, 8, 1, 1), (1, 16, 8, 1), (1, 1, 16, 8), (1, 8, 1, 16)}
