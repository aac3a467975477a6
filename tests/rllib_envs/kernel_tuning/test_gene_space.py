"""Genes and their knobs."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, LocationKnob, TileKnob

TILE = TileKnob("i", ((4, 1), (2, 2), (1, 4)))
SPACE = GeneSpace((TILE, ChoiceKnob("unroll", (0, 16)), LocationKnob("at", (-2, -1, 0, 1))))


def test_size_counts_all_genes() -> None:
    assert SPACE.choices == (3, 2, 4)
    assert SPACE.size == 24


def test_a_tile_knob_knows_its_loop() -> None:
    assert (TILE.extent, TILE.levels, TILE.choices) == (4, 2, 3)


def test_random_genes_are_legal_reach_everything_and_repeat_with_the_seed() -> None:
    rng = np.random.default_rng(0)
    genes = [SPACE.random(rng) for _ in range(500)]
    for gene in genes:
        SPACE.check(gene)
    assert len(set(genes)) == SPACE.size
    again = np.random.default_rng(0)
    assert genes == [SPACE.random(again) for _ in range(500)]


@pytest.mark.parametrize(
    ("gene", "said"),
    [((0, 0), "3 choices"), ((0, 2, 0), "knob 'unroll' has the choices 0 to 1; got 2"), ((-1, 0, 0), "knob 'i'")],
)
def test_what_is_no_gene_is_refused_with_the_knob(gene: tuple[int, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        SPACE.check(gene)


def test_knobs_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match="different extents"):
        TileKnob("i", ((4, 1), (2, 1)))
    with pytest.raises(UserError, match="different numbers of loops"):
        TileKnob("i", ((4, 1), (4,)))
    with pytest.raises(UserError, match="no candidates"):
        ChoiceKnob("unroll", ())
    with pytest.raises(UserError, match="nothing to tune"):
        GeneSpace(())
