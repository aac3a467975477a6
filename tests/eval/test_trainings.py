"""What is shipped of trainings: policies where they belong, and for all of them what they cost and how they went."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval import results
from eval.results import main
from eval.trainings import POINTS, TRAININGS, ship, trainings
from models import shipped
from models.ga_dqn.knowledge import read_knowledge, write_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner
from models.policy import Policy
from models.shipped import shipped_knowledge, shipped_policies
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.synthetic import TASKS
from tests.models.ga_dqn.tuners import play
from tests.models.toy_policies import untrained

ORIGIN = {"suite": "toys", "suite_hash": "a" * 64, "env_steps": 6000, "seconds": 45.0}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models" / "pretrained"
    monkeypatch.setattr(shipped, "PRETRAINED", folder)
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RECORDS", tmp_path / "docs" / "results")
    return folder


def trained(place: Path, trainer: str = "ppo", seed: int = 0, looks: bool = False, iterations: int = 200) -> Path:
    run = RunDirectory.create(place, "toy", {})
    for number in range(1, iterations + 1):
        look = number / 10 if looks and number % 10 == 0 else None
        steps = {"iteration": number, "env_steps": 60 * number, "seconds": 0.9 * number}
        run.log({**steps, "return_mean": number / 100 if number > 1 else None, "greedy_return": look})
    replace(untrained("q", seed=seed), provenance={**ORIGIN, "trainer": trainer, "seed": seed}).save(run.policy)
    return run.path


def test_the_first_policy_is_the_one_to_use_and_those_of_other_seeds_stand_behind_it(tmp_path: Path) -> None:
    for seed in (3, 0, 1):
        ship(trained(tmp_path, seed=seed))
    ship(trained(tmp_path, "apex_dqn", 0))
    found = shipped_policies("toy")
    assert [Policy.load(folder).provenance["seed"] for folder in found] == [3, 0, 1]
    assert {Policy.load(folder).provenance["trainer"] for folder in found} == {"ppo"}
    assert [(one.trainer, one.seed) for one in trainings("toy")] == [
        ("apex_dqn", 0),
        ("ppo", 0),
        ("ppo", 1),
        ("ppo", 3),
    ]


def test_a_training_that_is_made_anew_takes_the_old_one_s_place(tmp_path: Path, home: Path) -> None:
    ship(trained(tmp_path, iterations=3))
    (home / "toy" / "README.md").write_text("# Toy\n")
    ship(trained(tmp_path, iterations=5))
    (one,) = trainings("toy")
    assert one.env_steps == 300 and len(shipped_policies("toy")) == 1
    assert (home / "toy" / "README.md").exists()


@pytest.mark.parametrize("looks", [False, True])
def test_the_cost_is_the_whole_training_s_and_the_curve_is_short(tmp_path: Path, looks: bool) -> None:
    ship(trained(tmp_path, looks=looks))
    (one,) = trainings("toy")
    assert (one.env_steps, one.seconds) == (12000, 180.0)
    assert one.curve[-1] == (3.0, 12000, 20.0 if looks else 2.0)
    assert len(one.curve) == (20 if looks else POINTS)


def test_a_model_card_has_a_table_and_a_figure(tmp_path: Path, home: Path) -> None:
    for seed in (0, 1):
        ship(trained(tmp_path, seed=seed))
    card = home / "toy" / "README.md"
    card.write_text("# Dials\n<!-- trainings: toy -->\n<!-- end -->\n")
    main([])
    text = card.read_text()
    assert "| ppo | 0 | toys (aaaaaaaaaaaa) | 12,000 | 3 | unknown | mlp, " in text
    assert (
        "`toy`, " in text
        and "`toy/other_seeds/1`, " in text
        and "(../../../models/pretrained/toy/trainings.png)" in text
    )
    assert (home / "toy" / "trainings.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_wrong_is_said(tmp_path: Path, home: Path) -> None:
    run = trained(tmp_path)
    (run / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match="is no run of tunewright train"):
        ship(run)
    assert shipped_policies("toy") == [] and trainings("toy") == []
    ship(trained(tmp_path))
    (home / "toy" / TRAININGS).write_text(json.dumps({"trainer": "ppo"}) + "\n")
    with pytest.raises(UserError, match="damaged"):
        trainings("toy")


def test_knowledge_of_kernels_is_shortened_and_still_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.trainings.DECISIONS", 60)
    monkeypatch.setattr("eval.trainings.EXAMPLES", 200)
    task, other = TASKS[1], TASKS[0]
    tuner = GADQNTuner(task.space, 0, 400, replace(GADQNSettings(), updates_per_trial=0.1))
    play(tuner, 400, task)
    write_knowledge(tmp_path / "learnt", tuner.knowledge(), GADQNSettings(), {"dataset": "some"})
    assert shipped_knowledge() is None
    main(["ship", str(tmp_path / "learnt")])
    folder = shipped_knowledge()
    assert folder is not None
    assert "some" in (folder / "ga_dqn.json").read_text()
    known = read_knowledge(folder, GADQNSettings())
    assert len(known["forecast"]["shares"]) == 200 and len(known["mutation"]["replay.reward"]) == 60
    begun = [GADQNTuner(other.space, 1, 64, GADQNSettings(), each) for each in (known, None)]
    informed, uninformed = (np.mean(other.scores(play(each, 24, other))) for each in begun)
    assert informed > uninformed
    play(begun[0], 40, other)
    assert len(begun[0].knowledge()["mutation"]["replay.reward"]) > 60
