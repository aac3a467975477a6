"""Features of genes: sizes that don't depend on the kernel, and sums that say what tiles hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.ga_dqn.features import CHANGE, CROSSING, GENE, KNOB, LOG_SCALE, GeneFeatures
from models.ga_dqn.options import crossings, mutations
from rllib_envs.kernel_tuning.gene_space import ROLES, ChoiceKnob, GeneSpace, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.moves import Move, MoveTable
from rllib_envs.kernel_tuning.synthetic import TASKS, SyntheticTask, dense

TASK = dense(128, 128, 128)


def test_roles_follow_from_how_often_loops_are_split() -> None:
    features = GeneFeatures(TASK.space)
    assert [ROLES[role] for role in features.roles] == ["spatial", "vectorised", "reduction", "other", "other"]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_sizes_are_the_same_for_every_kernel_and_numbers_about_one(task: SyntheticTask) -> None:
    rng = np.random.default_rng(0)
    features, table = GeneFeatures(task.space), MoveTable(task.space)
    one, other = task.space.random(rng), task.space.random(rng)
    moves = [(knob, move) for knob in range(len(one)) for move in table.of(knob, one[knob])]
    changes = features.changes(one, moves)
    crossed = features.crossings(one, other, np.array([[0, 2], [1, 4]]))
    assert changes.shape == (len(moves), CHANGE) and crossed.shape == (2, CROSSING)
    assert changes.dtype == crossed.dtype == np.float32
    assert max(np.abs(changes).max(), np.abs(crossed).max()) <= 4


def test_a_genes_sums_hold_the_logarithm_of_its_register_tile() -> None:
    i, j, *_ = TASK.space.knobs
    assert isinstance(i, TileKnob) and isinstance(j, TileKnob)
    gene = (i.factors.index((32, 1, 1, 4)), j.factors.index((2, 1, 2, 32)), 0, 0, 0)
    sums = GeneFeatures(TASK.space).gene(gene).reshape(len(ROLES), KNOB)
    innermost = sums[: ROLES.index("reduction"), 0].sum() * LOG_SCALE
    assert 2**innermost == pytest.approx(4 * 32, rel=1e-4)


def test_the_child_of_a_change_has_the_features_of_the_childs_gene() -> None:
    rng = np.random.default_rng(1)
    features, gene = GeneFeatures(TASK.space), TASK.space.random(rng)
    for knob in range(len(gene)):
        choice = int(rng.integers(TASK.space.choices[knob]))
        (row,) = features.changes(gene, [(knob, Move("redraw", 0, 0, choice))])
        child = (*gene[:knob], choice, *gene[knob + 1 :])
        assert row[-GENE:] == pytest.approx(features.gene(child), abs=1e-5)
        assert row[-2 * GENE : -GENE] == pytest.approx(features.gene(gene))


def test_the_child_of_a_crossing_has_the_features_of_the_childs_gene() -> None:
    rng = np.random.default_rng(2)
    features, one, other = GeneFeatures(TASK.space), TASK.space.random(rng), TASK.space.random(rng)
    for first, last in ((0, 1), (1, 4), (2, 5)):
        (row,) = features.crossings(one, other, np.array([[first, last]]))
        child = one[:first] + other[first:last] + one[last:]
        assert row[2 * GENE : 3 * GENE] == pytest.approx(features.gene(child), abs=1e-5)


def test_what_is_offered_is_new_and_differs() -> None:
    rng = np.random.default_rng(3)
    features, one, other = GeneFeatures(TASK.space), TASK.space.random(rng), TASK.space.random(rng)
    situation = np.zeros(6, np.float32)
    known = {one, other}
    offer = crossings(one, other, 1.0, lambda gene: gene not in known, features, situation)
    assert len(offer.children) == len(set(offer.children)) > 3 and not known & set(offer.children)
    assert len(offer.features()) == len(offer.children)
    assert not crossings(one, one, 1.0, lambda gene: gene not in known, features, situation).children
    moves = [(0, Move("redraw", 0, 0, 7)), (3, Move("step", 1, 0, 2))]
    assert mutations(one, 1.0, moves, features, situation).children == [(7, *one[1:]), (*one[:3], 2, *one[4:])]


def test_values_and_locations_have_their_own_features() -> None:
    space = GeneSpace((ChoiceKnob("unroll", (0, 16, 64)), LocationKnob("at", (-2, -1, 4))))
    features = GeneFeatures(space)
    assert features.knob(0, 2)[-5:-3] == pytest.approx([1, math.log2(65) / LOG_SCALE])
    assert [features.knob(1, choice)[-3:].tolist() for choice in range(3)] == [[0, 0, 1], [0, 1, 0], [0.5, 0, 0]]
