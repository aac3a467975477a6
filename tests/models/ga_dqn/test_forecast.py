"""What is promising on a kernel is guessed from what was measured on others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.ga_dqn.features import GENE, GeneFeatures
from models.ga_dqn.forecast import Forecast
from models.ga_dqn.knowledge import ARRAYS, read_knowledge, write_knowledge
from models.ga_dqn.options import FORECAST
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner, Knowledge
from models.store.tensor_file import read_tensors, write_tensors
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.synthetic import TASKS, SyntheticTask
from tests.models.ga_dqn.tuners import play

SETTINGS = GADQNSettings()
ANY = replace(SETTINGS, promising=1)
HELD_OUT, LEARNT = TASKS[0], (TASKS[1], TASKS[2], TASKS[7])


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    known: Knowledge | None = None
    for seed, task in enumerate(LEARNT):
        tuner = GADQNTuner(task.space, 100 + seed, 160, ANY, known)
        play(tuner, 160, task)
        known = tuner.knowledge()
    assert known is not None
    return known


def first_scores(task: SyntheticTask, settings: GADQNSettings, knowledge: Knowledge | None) -> np.ndarray:
    tuner = GADQNTuner(task.space, 0, 64, settings, knowledge)
    play(tuner, settings.genetic.population, task)
    return np.array(tuner.scores)


def test_genes_of_a_kernel_never_seen_are_ranked(knowledge: Knowledge) -> None:
    forecast, rng = Forecast(SETTINGS, 0), np.random.default_rng(0)
    forecast.learn_from(knowledge[FORECAST])
    genes, features = [HELD_OUT.space.random(rng) for _ in range(300)], GeneFeatures(HELD_OUT.space)
    guessed = forecast.shares(np.stack([features.gene(gene) for gene in genes]))
    ranks = [np.argsort(np.argsort(values)) for values in (guessed, np.array(HELD_OUT.scores(genes)))]
    assert np.corrcoef(*ranks)[0, 1] > 0.7


@pytest.mark.parametrize("choice", ["dqn", "uniform"])
def test_a_tuner_with_knowledge_begins_with_promising_genes(knowledge: Knowledge, choice: str) -> None:
    settings = replace(SETTINGS, choice=choice)
    informed, any_genes = (
        first_scores(HELD_OUT, each, knowledge) for each in (settings, replace(settings, promising=1))
    )
    assert informed.mean() > 1.5 * any_genes.mean()
    assert (any_genes == first_scores(HELD_OUT, settings, None)).all(), "without knowledge all are equally likely"


def test_asking_for_what_was_learnt_changes_nothing(knowledge: Knowledge) -> None:
    scores = []
    for asks in (False, True):
        tuner = GADQNTuner(HELD_OUT.space, 0, 64, SETTINGS, knowledge)
        play(tuner, 16, HELD_OUT)
        if asks:
            tuner.knowledge()
        scores.append(play(tuner, 48, HELD_OUT))
    assert scores[0] == scores[1]


def test_kernels_that_are_tuned_together_teach_together() -> None:
    first = GADQNTuner(LEARNT[0].space, 0, 64, SETTINGS)
    second = GADQNTuner(LEARNT[1].space, 1, 64, SETTINGS, partner=first)
    for _ in range(4):
        play(first, 8, LEARNT[0])
        play(second, 8, LEARNT[1])
    for tuner in (first, second):
        taught = tuner.knowledge()[FORECAST]
        assert taught["rows"].shape == (64, GENE) and (taught["shares"] == 0).sum() == 2, "each has a best one"
        assert ((taught["shares"] <= 0) & (taught["shares"] >= -1)).all()


def test_the_oldest_examples_are_forgotten_first(knowledge: Knowledge) -> None:
    few = replace(ANY, examples=100)
    tuner = GADQNTuner(HELD_OUT.space, 0, 40, few, knowledge)
    play(tuner, 40, HELD_OUT)
    rows = tuner.knowledge()[FORECAST]["rows"]
    assert len(rows) == 100 and (rows[-40:] == [tuner.features.gene(gene) for gene in tuner.genes]).all()
    assert (rows[:60] == knowledge[FORECAST]["rows"][-60:]).all()


def test_what_is_measured_again_counts_once(knowledge: Knowledge) -> None:
    first = GADQNTuner(HELD_OUT.space, 0, 40, ANY, knowledge)
    play(first, 40, HELD_OUT)
    left = first.knowledge()
    again = GADQNTuner(HELD_OUT.space, 0, 40, ANY, left)
    again.tell(first.genes[:30], [2 * score for score in first.scores[:30]])
    known, now = left[FORECAST], again.knowledge()[FORECAST]
    assert len(now["rows"]) == len(known["rows"])
    assert (now["rows"][-30:] == known["rows"][-40:-10]).all()
    assert now["shares"][-30:].max() == 0


def test_a_kernel_on_which_nothing_works_teaches_nothing() -> None:
    tuner = GADQNTuner(HELD_OUT.space, 0, 16, SETTINGS)
    genes = tuner.ask(8)
    tuner.tell(genes, [0.0] * len(genes))
    assert len(tuner.knowledge()[FORECAST]["rows"]) == 0


def test_knowledge_without_it_is_refused(knowledge: Knowledge, tmp_path: Path) -> None:
    write_knowledge(tmp_path / "known", knowledge, SETTINGS, {})
    loaded = read_knowledge(tmp_path / "known", SETTINGS)[FORECAST]
    assert all((loaded[name] == array).all() for name, array in knowledge[FORECAST].items())
    arrays = read_tensors(tmp_path / "known" / ARRAYS)
    for name, broken, words in (
        ("shares", None, "lacks what the forecast learnt from"),
        ("rows", np.zeros((3, GENE), np.float32), "rows"),
    ):
        changed = {key: array for key, array in arrays.items() if key != f"{FORECAST}/{name}"}
        write_tensors(
            tmp_path / "known" / ARRAYS, changed if broken is None else {**changed, f"{FORECAST}/{name}": broken}
        )
        with pytest.raises(UserError, match=words):
            read_knowledge(tmp_path / "known", SETTINGS)
