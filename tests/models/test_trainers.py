"""The trainers by name, and the settings that a user may change."""

from __future__ import annotations

import pytest

from models.train_settings import TrainSettings
from models.trainers.base import Trainer
from models.trainers.defaults import DEFAULTS
from models.trainers.registry import ALIASES, TRAINERS, make_trainer, trainer_name
from models.trainers.search_space import OneOf
from rllib_envs.errors import UserError
from rllib_envs.registry import PROBLEMS


def test_every_spelling_leads_to_a_trainer():
    for name in (*TRAINERS, *ALIASES):
        assert trainer_name(name) in TRAINERS
    assert trainer_name("ppo.PPOTrainer") == "ppo" and trainer_name("dqn.DQNTrainer") == "dqn"
    assert trainer_name("dqn.R2D2Trainer") == trainer_name("r2d2.R2D2") == trainer_name("r2d2.R2D2Trainer") == "r2d2"
    assert trainer_name("ppo.APPOTrainer") == trainer_name("appo.APPO") == trainer_name("appo.APPOTrainer") == "appo"
    assert trainer_name("impala.ImpalaTrainer") == trainer_name("impala.IMPALA") == "impala"


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


@pytest.mark.parametrize("value", [-1e-3, float("nan"), float("inf"), "1e-3", None])
def test_a_value_that_makes_no_sense_is_refused(value):
    with pytest.raises(UserError, match=r"learning_rate=.* give a number of at least 0"):
        make_trainer("ppo", {"learning_rate": value})


def test_a_problem_s_defaults_lie_between_the_trainer_s_and_the_user_s(monkeypatch):
    table = {("toy", "ppo"): {"epochs": 3, "minibatch": 64}}
    monkeypatch.setattr("models.trainers.registry.DEFAULTS", table)
    ours = make_trainer("ppo.PPO", {"minibatch": 32}, problem="toy")
    assert (ours.epochs, ours.minibatch, ours.batch_steps) == (3, 32, make_trainer("ppo").batch_steps)
    assert make_trainer("ppo", problem="loop_nest") == make_trainer("ppo")
    assert TrainSettings("ppo", {"problem": "toy"}).make_trainer().epochs == 3


def test_the_problems_defaults_are_of_trainers_and_settings_that_exist():
    for problem, trainer in DEFAULTS:
        assert problem in PROBLEMS and isinstance(make_trainer(trainer, problem=problem), Trainer)


@pytest.mark.parametrize("name", sorted(TRAINERS))
def test_what_a_sweep_draws_is_accepted(name):
    """Both ends of every range, and the default lies within it."""
    trainer = make_trainer(name)
    assert trainer.search_space
    for setting, range_ in trainer.search_space.items():
        assert getattr(trainer, setting) in range_
        for value in range_.values if isinstance(range_, OneOf) else (range_.low, range_.high):
            assert getattr(make_trainer(name, {setting: value}), setting) == value


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
