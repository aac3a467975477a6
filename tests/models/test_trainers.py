"""The trainers by name, and the settings that a user may change."""

from __future__ import annotations

import pytest

from models.train_settings import TrainSettings
from models.trainers import ALIASES, TRAINERS, make_trainer, trainer_name
from rllib_envs.errors import UserError


def test_every_spelling_leads_to_a_trainer():
    for name in (*TRAINERS, *ALIASES):
        assert trainer_name(name) in TRAINERS
    assert trainer_name("ppo.PPOTrainer") == "ppo" and trainer_name("dqn.DQNTrainer") == "dqn"


@pytest.mark.parametrize(("wrong", "hint"), [("pop", "did you mean 'ppo'"), ("os.system", "unknown trainer")])
def test_a_wrong_name_is_answered_with_the_nearest(wrong, hint):
    with pytest.raises(UserError, match=hint):
        trainer_name(wrong)


def test_settings_can_be_changed_by_name():
    assert make_trainer("ppo.PPOTrainer", {"learning_rate": 1, "epochs": 2}).learning_rate == 1.0
    with pytest.raises(UserError, match="did you mean 'learning_rate'"):
        make_trainer("ppo", {"learning_rat": 1e-4})
    for value in ("many", 2.5, True):
        with pytest.raises(UserError, match="a whole number"):
            make_trainer("ppo", {"epochs": value})


def test_the_number_of_gpus_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("RLLIB_NUM_GPUS", "2")
    assert TrainSettings("ppo", {}).gpus == 2
    assert TrainSettings("ppo", {}, gpus=0).gpus == 0
    monkeypatch.setenv("RLLIB_NUM_GPUS", "one")
    with pytest.raises(UserError, match="RLLIB_NUM_GPUS is 'one'"):
        TrainSettings("ppo", {})


@pytest.mark.parametrize("field", ["env_runners", "envs_per_runner", "gpus", "seed"])
def test_negative_numbers_are_refused(field):
    with pytest.raises(UserError, match=f"{field} is -1"):
        TrainSettings("ppo", {}, **{field: -1})
