"""Settings as a person types them."""

from __future__ import annotations

import pytest

from launcher.options import parse_settings
from launcher.training.config import TrainConfig
from rllib_envs.errors import UserError


def test_settings_as_text():
    texts = ["learning_rate=3e-4", "epochs=2", "epochs=4", "look_ahead=False", "kind=a=b"]
    expected = {"learning_rate": 3e-4, "epochs": 4, "look_ahead": False, "kind": "a=b"}
    assert parse_settings(texts, "a trainer") == expected
    with pytest.raises(UserError, match="'epochs' is no setting of a trainer; write name=value"):
        parse_settings(["epochs"], "a trainer")


@pytest.mark.parametrize(
    ("problem", "setting", "message"),
    [
        ("streaming_engine", "max_tile=80", "unknown setting of problem 'streaming_engine' 'max_tile'; did you mean"),
        ("toy", "max_tiles=80", "unknown setting of problem 'toy' 'max_tiles'"),
        ("streaming_engine", "max_tiles=0", "max_tiles is 0; it must be from 1"),
        ("streaming_engine", "max_tiles=many", "problem 'streaming_engine' does not take these settings"),
        ("streaming_engine", "max_tiles", "no setting of a problem, such as max_tiles=80; write name=value"),
    ],
)
def test_wrong_settings_of_a_problem(problem, setting, message):
    with pytest.raises(UserError, match=message):
        TrainConfig(dataset="any", problem_settings=(setting,)).settings(problem)
