"""Small decisions lead to every gene, and every state on the way stands for one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.decisions import (
    Decided,
    Kernel,
    choose_option,
    decisions,
    most_options,
    options,
    untuned,
)
from rllib_envs.kernel_tuning.factorizations import factorizations
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.gene_space_json import space_from_json, space_to_json
from rllib_envs.kernel_tuning.notation import gene_text, parse_gene
from tests.rllib_envs.kernel_tuning.kernels import TASKS

SPACE = GeneSpace(
    (
        TileKnob("rows", factorizations(12, 3, innermost=4)),
        TileKnob("columns", factorizations(8, 2)),
        ChoiceKnob("unroll", (0.0, 16.0, 512.0)),
        LocationKnob("place", (-2, -1, 0, 3)),
    )
)
KERNEL = Kernel(TASKS["dense"], SPACE)


def ends(state: Decided, steps: int = 0):
    if state.finished:
        yield state, steps
        return
    for option in range(len(options(state))):
        yield from ends(choose_option(state, option), steps + 1)


def test_every_gene_is_reached_in_one_way() -> None:
    reached = list(ends(untuned(KERNEL)))
    genes = [state.gene for state, _ in reached]
    assert sorted(genes) == sorted(itertools.product(*map(range, SPACE.choices)))
    assert max(steps for _, steps in reached) == decisions(SPACE) == 2 + 1 + 1 + 1


def test_states_on_the_way_leave_the_rest_untouched() -> None:
    start = untuned(KERNEL)
    rows, columns, unroll, place = start.gene
    assert SPACE.knobs[0].factors[rows] == (12, 1, 1) and SPACE.knobs[1].factors[columns] == (8, 1)
    assert unroll == 0 and SPACE.knobs[3].depths[place] == -1
    assert options(start) == (1, 2, 3, 4)
    three = choose_option(start, 2)
    assert SPACE.knobs[0].factors[three.gene[0]] == (4, 1, 3) and three.gene[1:] == start.gene[1:]
    assert options(three) == (1, 2, 4)
    assert options(choose_option(three, 1)) == (1, 2, 4, 8), "what is left of the rows is no decision"


def test_no_decision_has_a_single_option_or_more_than_the_most() -> None:
    state, rng = untuned(KERNEL), np.random.default_rng(0)
    for _ in range(200):
        if state.finished:
            state = untuned(KERNEL)
        found = options(state)
        assert 2 <= len(found) <= most_options(SPACE) == 6
        state = choose_option(state, int(rng.integers(len(found))))


def test_forced_knobs_are_passed_over() -> None:
    only = GeneSpace((ChoiceKnob("one", (3.0,)), TileKnob("prime", ((7, 1), (1, 7))), ChoiceKnob("last", (5.0,))))
    state = untuned(Kernel(TASKS["dense"], only))
    assert options(state) == (1, 7)
    assert choose_option(state, 1) == Decided(state.kernel, (0, 1, 0))


@pytest.mark.parametrize("extent", [1, 7, 12, 128])
def test_factorizations_are_all_there(extent: int) -> None:
    expected = [
        factors
        for factors in itertools.product(range(1, extent + 1), repeat=2)
        if factors[0] * factors[1] == extent and factors[1] <= 64
    ]
    assert list(factorizations(extent, 2, innermost=64)) == expected


def test_factorizations_of_allowed_factors() -> None:
    assert factorizations(128, 4, 64, allowed=(1, 8, 16)) == tuple(sorted(set(itertools.permutations((1, 1, 8, 16)))))
    assert factorizations(7, 2, allowed=(2,)) == ()


def test_genes_as_text_and_spaces_as_json_come_back() -> None:
    texts = {gene_text(SPACE, gene): gene for gene in itertools.product(*map(range, SPACE.choices))}
    assert len(texts) == SPACE.size
    assert all(parse_gene(SPACE, text) == gene for text, gene in texts.items())
    assert gene_text(SPACE, (0, 0, 1, 0)) == "rows=1x3x4 columns=1x8 unroll=16 place=inlined"
    for wrong in ("rows=3x1x4", "rows=9x9x9 columns=1x8 unroll=16 place=root", ""):
        with pytest.raises(UserError):
            parse_gene(SPACE, wrong)
    assert space_from_json(space_to_json(SPACE)) == SPACE
    for content in (None, [{}], [{"name": "x"}], [3], [{"name": "x", "factors": [["a"]]}]):
        with pytest.raises(UserError):
            space_from_json(content)
