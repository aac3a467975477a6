"""Networks whose actions point at entities: no row is special, any number of rows will do, links and masses count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.encoders.config import PLAIN_KINDS, POINTER_KINDS, EncoderConfig, InputSizes
from models.encoders.pointer_attention import GraphAttention
from models.encoders.sinkhorn import NOTHING, transport
from models.networks import MASKED, NETWORKS, build_network
from rllib_envs.errors import UserError
from rllib_envs.problem import ObservationSpec

CANDIDATES, CONTEXT, FEATURES, LINKS = 6, 4, 7, 2


def sizes(candidates: int = CANDIDATES, context: int = CONTEXT, links: int = LINKS) -> InputSizes:
    return InputSizes.of(ObservationSpec(candidates + context, FEATURES, 2, points=True, links=links), candidates)


def states(batch: int, candidates: int = CANDIDATES, context: int = CONTEXT) -> dict[str, torch.Tensor]:
    """Random states in which all is there, without links, and two of three actions are legal."""
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(batch, candidates + context, FEATURES)).astype(np.float32)
    tokens[:, :, -LINKS:] = 0
    legal = (rng.random((batch, candidates)) < 0.7).astype(np.int8)
    legal[:, 0] = 1
    arrays = {
        "tokens": tokens,
        "token_mask": np.ones((batch, candidates + context), np.int8),
        "globals": rng.normal(size=(batch, 3)).astype(np.float32),
        "action_mask": legal,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def noisy(kind: str, encoder: str, shape: InputSizes | None = None) -> torch.nn.Module:
    """A network whose scores differ; heads start near zero."""
    torch.manual_seed(1)
    network = build_network(kind, shape or sizes(), EncoderConfig(encoder, width=32, layers=2))
    with torch.no_grad():
        for weights in network.parameters():
            weights += 0.1 * torch.randn_like(weights)
    return network


def scored(network: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return network.step(inputs, None)[0]


@pytest.mark.parametrize("encoder", POINTER_KINDS)
@pytest.mark.parametrize("kind", NETWORKS)
class TestAnyOrderAndNumber:
    def test_scores_follow_the_candidates_wherever_they_stand(self, kind, encoder):
        network, inputs = noisy(kind, encoder), states(8)
        scores = scored(network, inputs)
        assert scores[0][inputs["action_mask"][0] > 0].std() > 1e-3
        order = torch.randperm(CANDIDATES, generator=torch.Generator().manual_seed(0))
        inputs["tokens"] = torch.cat([inputs["tokens"][:, order], inputs["tokens"][:, CANDIDATES:]], dim=1)
        inputs["action_mask"] = inputs["action_mask"][:, order]
        torch.testing.assert_close(scored(network, inputs), scores[:, order], atol=1e-5, rtol=1e-4)

    def test_the_same_weights_score_more_candidates(self, kind, encoder):
        """A network made for twice as many rows, half of them padding, decides as the one made for just enough."""
        small, large = noisy(kind, encoder), noisy(kind, encoder, sizes(2 * CANDIDATES, 2 * CONTEXT))
        large.load_state_dict(small.state_dict())
        inputs = states(8)
        wide = dict(inputs)
        for name, rows in (("tokens", CANDIDATES), ("token_mask", CANDIDATES), ("action_mask", CANDIDATES)):
            array = inputs[name]
            parts = array[:, :rows], torch.zeros_like(array[:, :rows]), array[:, rows:]
            wide[name] = torch.cat([*parts, torch.zeros_like(array[:, rows:])], dim=1)
        expected, scores = scored(small, inputs), scored(large, wide)
        torch.testing.assert_close(scores[:, :CANDIDATES], expected, atol=1e-5, rtol=1e-4)
        assert (scores[:, CANDIDATES:] == MASKED).all()

    def test_cutting_off_padding_changes_nothing(self, kind, encoder):
        """In a batch with a state that has all rows, none is cut off."""
        network, inputs = noisy(kind, encoder), states(8)
        inputs["action_mask"][:4, 3:] = 0
        inputs["token_mask"][:4, 3:CANDIDATES] = 0
        inputs["token_mask"][:4, CANDIDATES + 2 :] = 0
        alone = scored(network, {name: array[:4] for name, array in inputs.items()})
        torch.testing.assert_close(scored(network, inputs)[:4], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", NETWORKS)
def test_context_matters(kind):
    for encoder in POINTER_KINDS:
        network, inputs = noisy(kind, encoder), states(4)
        scores = scored(network, inputs)
        inputs["tokens"] = inputs["tokens"].clone()
        inputs["tokens"][:, CANDIDATES:, 0] += 1.0
        assert not torch.allclose(scored(network, inputs), scores, atol=1e-4)


def test_graph_attention_follows_the_links():
    """One layer: a candidate learns of a node behind the one at hand only where a link joins them."""
    torch.manual_seed(0)
    encoder = GraphAttention(sizes(), EncoderConfig("graph_attention", width=32, layers=1))

    def heard(inputs: dict[str, torch.Tensor]) -> list[int]:
        """The candidates whose vectors change with the third node of the context."""
        before = encoder(inputs).entities
        inputs = {**inputs, "tokens": inputs["tokens"].clone()}
        inputs["tokens"][:, CANDIDATES + 2, 0] += 1.0
        changed = (encoder(inputs).entities - before).abs().amax((0, 2)) > 1e-6
        return changed.nonzero().flatten().tolist()

    inputs = states(1)
    assert heard(inputs) == []
    inputs["tokens"][:, CANDIDATES + 2, -1] = (1 + 4) / (CANDIDATES + CONTEXT)  # it is linked to candidate 4
    inputs["tokens"][:, 1, -2] = (1 + CANDIDATES + 2) / (CANDIDATES + CONTEXT)  # and candidate 1 to it
    assert heard(inputs) == [1, 4]


class TestTransport:
    def test_masses_are_kept(self):
        rng = torch.Generator().manual_seed(0)
        scores = 3 * torch.randn(5, 4, 7, generator=rng)
        rows, columns = torch.ones(5, 4), torch.ones(5, 7)
        rows[1, 3] = columns[2, 0] = 0
        scores[1, 3] = NOTHING
        scores[2, :, 0] = NOTHING
        masses = transport(scores, rows, columns, torch.tensor([0.5]), iterations=200).exp()
        torch.testing.assert_close(masses[:, :-1].sum(2), rows, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(masses[:, :, :-1].sum(1), columns, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(masses[:, -1].sum(1), columns.sum(1), atol=1e-3, rtol=1e-4)

    def test_strong_preferences_are_the_assignment(self):
        """Both rows prefer the first column; the sum is largest when the second row, which loses less, yields."""
        scores = torch.tensor([[[30.0, 0.0], [28.0, 20.0]]])
        masses = transport(scores, torch.ones(1, 2), torch.ones(1, 2), torch.tensor([-30.0]), iterations=200).exp()
        assert masses[0, :2, :2].argmax(1).tolist() == [0, 1]

    def test_what_may_not_be_gets_nothing(self):
        scores = torch.full((1, 2, 3), NOTHING)
        scores[0, 0, 1] = 0.0
        masses = transport(scores, torch.ones(1, 2), torch.ones(1, 3), torch.tensor([0.0])).exp()
        assert torch.isfinite(masses).all()
        assert masses[0, 1, :3].sum() == 0 and masses[0, 0, [0, 2]].sum() == 0

    def test_it_has_gradients(self):
        scores = torch.randn(2, 3, 4, requires_grad=True)
        transport(scores, torch.ones(2, 3), torch.ones(2, 4), torch.tensor([0.0]))[:, 0, 0].sum().backward()
        assert torch.isfinite(scores.grad).all() and scores.grad.abs().sum() > 0


@pytest.mark.parametrize("encoder", sorted(set(PLAIN_KINDS) - set(POINTER_KINDS)))
def test_places_mean_nothing_where_actions_point(encoder):
    with pytest.raises(UserError, match="take scorer or transformer"):
        build_network("q", sizes(), EncoderConfig(encoder))


@pytest.mark.parametrize("encoder", sorted(set(POINTER_KINDS) - set(PLAIN_KINDS)))
def test_pointing_needs_something_to_point_at(encoder):
    with pytest.raises(UserError, match="take mlp or transformer"):
        build_network("q", sizes()._replace(points=False), EncoderConfig(encoder))


def test_what_an_encoder_needs_is_said():
    with pytest.raises(UserError, match="links between tokens"):
        build_network("q", sizes(links=0), EncoderConfig("graph_attention"))
    with pytest.raises(UserError, match="shows no context"):
        build_network("q", sizes(context=0), EncoderConfig("sinkhorn"))
    for encoder in ("scorer", "transformer", "graph_attention"):
        network = build_network("actor_critic", sizes(context=0), EncoderConfig(encoder, width=32))
        assert torch.isfinite(network.scores(states(3, context=0))).all()
