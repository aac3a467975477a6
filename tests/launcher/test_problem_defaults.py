"""What `tunewright train` takes from the problem when it is not told."""

from __future__ import annotations

import pytest

from launcher.training.config import TrainConfig
from rllib_envs.errors import UserError


@pytest.mark.parametrize(
    ("problem", "suite", "encoder", "horizon"),
    [
        ("loop_nest", "mm64_128_16_range", "mlp", 10),
        ("streaming_engine", "streaming_engine", "scorer", 1024),
        ("kernel_tuning", "kernel_tuning", "scorer", 48),
        ("network_scaling", "network_scaling", "mlp", 16),
    ],
)
def test_the_network_and_the_length_of_an_episode(problem, suite, encoder, horizon):
    settings = TrainConfig(dataset=suite).settings(problem)
    assert (settings.encoder.kind, settings.env["horizon"]) == (encoder, horizon)
    settings = TrainConfig(dataset=suite, encoder="transformer", steps=7).settings(problem)
    assert (settings.encoder.kind, settings.env["horizon"]) == ("transformer", 7)


@pytest.mark.parametrize(
    ("problem", "encoder", "message"),
    [
        ("streaming_engine", "mlp", "take scorer or transformer or graph_attention or sinkhorn"),
        ("loop_nest", "sinkhorn", "take mlp or transformer"),
    ],
)
def test_a_network_for_other_problems_is_refused(problem, encoder, message):
    with pytest.raises(UserError, match=message):
        TrainConfig(dataset="any", encoder=encoder).settings(problem)


def test_a_larger_device_and_blind_choices_are_the_problems_configuration():
    config = TrainConfig(dataset="any", problem_settings=("max_tiles=80", "look_ahead=false"))
    assert config.settings("streaming_engine").env["problem_config"] == {"max_tiles": 80, "look_ahead": False}
    with pytest.raises(UserError):
        config.settings("loop_nest")


def test_a_training_without_a_held_out_part_evaluates_nothing():
    with pytest.raises(UserError, match="give --eval-size 0"):
        TrainConfig(dataset="any", test_share=0.0).check()
    config = TrainConfig(dataset="any", test_share=0.0, eval_size=0, size=1)
    config.check()
    assert config.settings("streaming_engine").env["split"] == "all"
