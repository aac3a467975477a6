"""What `tunewright train` takes from the problem when it is not told."""

from __future__ import annotations

import pytest

from launcher.train import TrainConfig
from rllib_envs.errors import UserError


@pytest.mark.parametrize(
    ("problem", "suite", "encoder", "horizon"),
    [
        ("loop_nest", "mm64_128_16_range", "mlp", 10),
        ("streaming_engine", "streaming_engine", "scorer", 1024),
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
