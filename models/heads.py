"""The last layers of the networks: from what an encoder or a memory gives to scores of actions and values of states."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.encoders.build import Encoder
from models.encoders.config import InputSizes
from models.encoders.encoded import Encoded
from models.encoders.pointing import PointerEncoder


def head(features: int, outputs: int, gain: float) -> nn.Linear:
    """A last layer that starts near zero, so that no action is preferred before anything was learned."""
    layer = nn.Linear(features, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def recurrent_unit(features: int, width: int) -> nn.GRU:
    """A recurrent unit that starts with orthogonal recurrent weights (Saxe et al., 2014) and without biases. From
    PyTorch's own start it takes 1.6 times the updates to learn to recall something for three steps."""
    memory = nn.GRU(features, width, batch_first=True)
    for name, weight in memory.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(weight)
            continue
        for gate in weight.data.chunk(3):
            (nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_)(gate)
    return memory


def preferences(inputs: Mapping[str, Tensor]) -> Tensor:
    """float32 [..., actions]: the first feature of each entity that an action points at, 0 where there is none."""
    actions = inputs["action_mask"].shape[-1]
    return inputs["tokens"][..., :actions, 0] * inputs["token_mask"][..., :actions]


class PointerHead(nn.Module):
    """A score for each entity, added to what the problem itself prefers: residual policy learning (Silver et al.,
    2018). Learning so starts from a plain heuristic and not from choices at random.
    """

    def __init__(self, entity_features: int, gain: float, preference: float) -> None:
        """`preference` is how much the problem's own counts at first."""
        super().__init__()
        self.score = nn.Identity() if entity_features == 1 else head(entity_features, 1, gain)
        self.preference = nn.Parameter(torch.tensor([preference]))

    def forward(self, entities: Tensor, preferred: Tensor) -> Tensor:
        """[..., actions] from [..., actions, entity_features] and [..., actions]."""
        scores: Tensor = self.score(entities).squeeze(-1) + self.preference * preferred
        return scores


class RecurrentPointerHead(nn.Module):
    """The same in the light of what is remembered, which a linear layer could not bring together with an entity."""

    def __init__(self, entity_features: int, width: int, gain: float, preference: float) -> None:
        super().__init__()
        self.entity, self.remembered = nn.Linear(entity_features, width), nn.Linear(width, width)
        self.pointer = PointerHead(width, gain, preference)

    def forward(self, entities: Tensor, preferred: Tensor, remembered: Tensor) -> Tensor:
        """[..., actions] from [..., actions, entity_features], [..., actions] and [..., width]."""
        seen = torch.relu(self.entity(entities) + self.remembered(remembered).unsqueeze(-2))
        scores: Tensor = self.pointer(seen, preferred)
        return scores


def action_head(encoder: Encoder, sizes: InputSizes, gain: float, preference: float) -> nn.Module:
    """A score for each action, or for whatever it points at."""
    if isinstance(encoder, PointerEncoder):
        return PointerHead(encoder.entity_features, gain, preference)
    return head(encoder.out_features, sizes.actions, gain)


def recurrent_action_head(encoder: Encoder, width: int, sizes: InputSizes, gain: float, preference: float) -> nn.Module:
    """The same behind a memory of this width."""
    if isinstance(encoder, PointerEncoder):
        return RecurrentPointerHead(encoder.entity_features, width, gain, preference)
    return head(width, sizes.actions, gain)


def action_scores(layer: nn.Module, encoded: Encoded, inputs: Mapping[str, Tensor]) -> Tensor:
    """[batch, actions], by what `action_head` gave."""
    pointing = encoded.entities is not None
    scores: Tensor = layer(encoded.entities, preferences(inputs)) if pointing else layer(encoded.whole)
    return scores
