"""The published GA-DQN is kept with the defects that it is known by."""

from __future__ import annotations

import numpy as np
import pytest

from models.ga_dqn.published import ELITES, POPULATION, PublishedGADQN
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace
from tests.models.ga_dqn.tuners import TASK, play


def test_genes_are_measured_again_and_again() -> None:
    asked = play(PublishedGADQN(TASK.space, 0, 512), 512)
    assert len(set(asked)) < 0.95 * len(asked)


def test_the_population_grows_by_the_elites_and_the_first_genes_are_never_mutated() -> None:
    tuner = PublishedGADQN(TASK.space, 0, 512)
    play(tuner, 2 * POPULATION, batch=POPULATION)
    crossed = list(tuner._population)
    assert len(crossed) == POPULATION + ELITES
    play(tuner, 60, batch=4)
    mutated = tuner._population[: len(crossed)]
    kept = [place for place, (one, other) in enumerate(zip(crossed, mutated, strict=True)) if one == other]
    assert {0, 1, 2, *range(63, 67)} <= set(kept)
    assert len(kept) < 40
    play(tuner, 4)
    assert len(tuner._population) == POPULATION + 2 * ELITES


def test_its_reward_punishes_slow_kernels_more_than_failures() -> None:
    tuner = PublishedGADQN(TASK.space, 0, 512)
    genes = tuner.ask(POPULATION)
    tuner.tell(genes, [float(i) for i in range(1, POPULATION + 1)])
    assert tuner._reward(0.0) == 0
    assert tuner._reward(20.0) < tuner._reward(10.0) < 0 < tuner._reward(50.0)
    assert tuner._reward(tuner.best) == 5 * tuner.best


def test_it_measures_in_batches_of_four_and_waits_for_scores() -> None:
    tuner = PublishedGADQN(TASK.space, 0, 512)
    first = tuner.ask(100)
    assert len(first) == POPULATION and tuner.ask(1) == []
    tuner.tell(first, np.ones(POPULATION).tolist())
    assert len(tuner.ask(100)) == 4


def test_two_knobs_are_too_few() -> None:
    with pytest.raises(UserError, match="needs 3 knobs"):
        PublishedGADQN(GeneSpace((ChoiceKnob("a", (0, 1)), ChoiceKnob("b", (0, 1)))), 0, 100)
