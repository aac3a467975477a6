"""Both networks on both encoders: masked, finite, indifferent to padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.encoders.config import EncoderConfig, InputSizes
from models.networks import MASKED, build_network
from rllib_envs.errors import UserError
from rllib_envs.problem import ObservationSpec

SIZES = InputSizes.of(ObservationSpec(max_tokens=5, token_features=3, global_features=2), actions=4)
ENCODERS = [EncoderConfig("mlp", width=32), EncoderConfig("transformer", width=32, layers=1)]


def random_inputs(batch: int, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    arrays = {
        "tokens": rng.normal(size=(batch, 5, 3)).astype(np.float32),
        "token_mask": (rng.random((batch, 5)) < 0.5).astype(np.int8),
        "globals": rng.normal(size=(batch, 3)).astype(np.float32),
        "action_mask": (rng.random((batch, 4)) < 0.5).astype(np.int8),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.kind)
@pytest.mark.parametrize("kind", ["actor_critic", "q"])
class TestNetworks:
    def test_scores_are_finite_and_illegal_actions_come_last(self, kind, encoder):
        inputs = random_inputs(64)
        inputs["token_mask"][0] = 0  # a state without entities
        inputs["action_mask"][1] = 0  # and one whose episode is over
        scores = build_network(kind, SIZES, encoder).scores(inputs)
        assert scores.shape == (64, 4) and torch.isfinite(scores).all()
        legal = inputs["action_mask"] > 0
        assert (scores[legal] > MASKED / 2).all()
        some = legal.any(-1)
        assert (legal[some, scores[some].argmax(-1)]).all()

    def test_padding_does_not_matter(self, kind, encoder):
        network, inputs = build_network(kind, SIZES, encoder), random_inputs(16)
        scores = network.scores(inputs)
        padding = inputs["token_mask"] == 0
        inputs["tokens"] = inputs["tokens"].masked_fill(padding.unsqueeze(-1), 9.0)
        torch.testing.assert_close(network.scores(inputs), scores)

    def test_gradients_are_finite(self, kind, encoder):
        network = build_network(kind, SIZES, encoder)
        scores = network.scores(random_inputs(16))
        scores[scores > MASKED / 2].sum().backward()
        assert all(p.grad is None or torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "mpl"}, "did you mean 'mlp'"),
        ({"width": 0}, "width is 0"),
        ({"width": 10**9}, "from 1 to 1024"),
        ({"layers": 1.5}, "whole number"),
        ({"width": 30, "heads": 4}, "no multiple"),
    ],
)
def test_impossible_encoders_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        EncoderConfig(**fields)
