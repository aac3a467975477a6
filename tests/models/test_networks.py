"""All networks on all encoders: masked, finite, indifferent to padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.encoders.config import PLAIN_KINDS, POINTER_KINDS, EncoderConfig, InputSizes
from models.networks import MASKED, build_network
from rllib_envs.errors import UserError
from rllib_envs.problem import ObservationSpec

SIZES = InputSizes.of(ObservationSpec(max_tokens=5, token_features=3, global_features=2), actions=4)
POINTING = InputSizes.of(ObservationSpec(5, 3, 2, points=True, links=1), actions=4)
NETWORKS = [(SIZES, EncoderConfig(kind, width=32, layers=1)) for kind in PLAIN_KINDS]
NETWORKS += [(POINTING, EncoderConfig(kind, width=32, layers=1)) for kind in POINTER_KINDS]


def named(parameter) -> str:
    sizes, encoder = parameter
    return f"{'pointing ' if sizes.points else ''}{encoder.kind}"


def scores_of(network, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """As at an episode's start."""
    return network.step(inputs, None)[0]


def random_inputs(batch: int, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    arrays = {
        "tokens": rng.normal(size=(batch, 5, 3)).astype(np.float32),
        "token_mask": (rng.random((batch, 5)) < 0.5).astype(np.int8),
        "globals": rng.normal(size=(batch, 3)).astype(np.float32),
        "action_mask": (rng.random((batch, 4)) < 0.5).astype(np.int8),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("shape", NETWORKS, ids=named)
@pytest.mark.parametrize("kind", ["actor_critic", "q", "recurrent_q"])
class TestNetworks:
    def test_scores_are_finite_and_illegal_actions_come_last(self, kind, shape):
        inputs = random_inputs(64)
        inputs["token_mask"][0] = 0  # a state without entities
        inputs["action_mask"][1] = 0  # and one whose episode is over
        scores = scores_of(build_network(kind, *shape), inputs)
        assert scores.shape == (64, 4) and torch.isfinite(scores).all()
        legal = inputs["action_mask"] > 0
        assert (scores[legal] > MASKED / 2).all()
        some = legal.any(-1)
        assert (legal[some, scores[some].argmax(-1)]).all()

    def test_padding_does_not_matter(self, kind, shape):
        network, inputs = build_network(kind, *shape), random_inputs(16)
        scores = scores_of(network, inputs)
        padding = inputs["token_mask"] == 0
        inputs["tokens"] = inputs["tokens"].masked_fill(padding.unsqueeze(-1), 9.0)
        torch.testing.assert_close(scores_of(network, inputs), scores)

    def test_gradients_are_finite(self, kind, shape):
        network = build_network(kind, *shape)
        scores = scores_of(network, random_inputs(16))
        scores[scores > MASKED / 2].sum().backward()
        assert all(p.grad is None or torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("shape", NETWORKS, ids=named)
class TestRecurrentNetwork:
    def test_an_episode_scores_as_its_steps_do(self, shape):
        network, batch, steps = build_network("recurrent_q", *shape), 6, 9
        flat = random_inputs(batch * steps)
        flat["token_mask"][0] = 0  # a state without entities
        flat["action_mask"][1] = 0  # and one whose episode is over
        inputs = {name: array.unflatten(0, (batch, steps)) for name, array in flat.items()}
        whole, last = network.unroll(inputs)
        assert whole.shape == (batch, steps, 4) and torch.isfinite(whole).all()
        illegal = inputs["action_mask"] == 0
        assert (whole[illegal] == MASKED).all() and (whole[~illegal] > MASKED / 2).all()
        state = None
        for step in range(steps):
            scores, state = network.step({name: array[:, step] for name, array in inputs.items()}, state)
            torch.testing.assert_close(scores, whole[:, step], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(state, last, atol=1e-5, rtol=1e-5)

    def test_it_remembers_and_foresees_nothing(self, shape):
        network = build_network("recurrent_q", *shape)
        inputs = {name: array.unflatten(0, (2, 8)) for name, array in random_inputs(16).items()}
        scores, _ = network.unroll(inputs)
        inputs["globals"] = inputs["globals"].clone()
        inputs["globals"][:, 4] += 1.0
        others, _ = network.unroll(inputs)
        legal = inputs["action_mask"] > 0
        changed = ((scores - others).abs() * legal).amax((0, 2)) > 1e-7
        assert changed.tolist() == [False] * 4 + [True] * 4


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
