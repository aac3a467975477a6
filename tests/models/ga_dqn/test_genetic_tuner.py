"""The genetic algorithm itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.tuners.genetic import GeneticSettings, GeneticTuner
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner
from tests.models.ga_dqn.tuners import TASK, play


def test_it_beats_random_search() -> None:
    best = {
        make: np.mean([max(TASK.score(gene) for gene in play(make(TASK.space, seed), 160)) for seed in range(4)])
        for make in (RandomTuner, GeneticTuner)
    }
    assert best[GeneticTuner] > 1.2 * best[RandomTuner]


def test_the_best_survive_in_order() -> None:
    tuner = GeneticTuner(TASK.space, 0, GeneticSettings(population=10, patience=1000))
    play(tuner, 100)
    assert [member.score for member in tuner.members] == sorted(tuner.scores, reverse=True)[:10]


def test_children_come_from_their_parents() -> None:
    tuner = GeneticTuner(TASK.space, 0, GeneticSettings(population=8, crossover=1.0, patience=1000))
    play(tuner, 8)
    one, other = tuner.members[0].gene, tuner.members[1].gene
    for _ in range(50):
        child = tuner._crossed(one, other)
        origins = [(choice == a, choice == b) for choice, a, b in zip(child, one, other, strict=True)]
        assert all(any(origin) for origin in origins)
        theirs = [not ours for ours, _ in origins]
        changes = sum(a != b for a, b in pairwise(theirs))
        assert changes <= 2, "a child has one segment of the other parent"


def test_immigrants_come_when_nothing_improves() -> None:
    settings = GeneticSettings(population=8, patience=16)
    tuner = GeneticTuner(TASK.space, 0, settings)
    tuner.tell(tuner.ask(8), [100.0] * 8)
    for _ in range(2):
        tuner.tell(tuner.ask(8), [1.0] * 8)
    assert len(tuner.members) == 4
    random = GeneticTuner(TASK.space, 0, settings)
    random.tell(random.ask(8), [100.0] * 8)
    expected = [random.fresh() for _ in range(4)]
    assert tuner.ask(8)[:4] == expected


@pytest.mark.parametrize("wrong", [{"population": 1}, {"tournament": 0}, {"crossover": 1.5}, {"patience": 0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError):
        GeneticSettings(**wrong)  # type: ignore[arg-type]
