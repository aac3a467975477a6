"""Entities one by one through a shared layer, then side by side through a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.encoded import Encoded


class EntityMLP(nn.Module):
    """Keeps the entities in their places, because in a schedule the order is half of the meaning."""

    out_features: int

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        token_width = max(config.width // 4, 8)
        self.token = nn.Linear(sizes.token_features, token_width)
        self.position = nn.Parameter(torch.zeros(sizes.max_tokens, token_width))
        widths = [
            sizes.max_tokens * token_width + sizes.globals + sizes.actions,
            *[config.width] * config.layers,
        ]
        # The first normalisation makes the tokens' and the globals' scales comparable.
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.out_features = config.width

    def forward(self, inputs: Mapping[str, Tensor]) -> Encoded:
        """From a batch of `policy_input` arrays."""
        tokens = torch.relu(self.token(inputs["tokens"]) + self.position)
        tokens = tokens * inputs["token_mask"].to(tokens.dtype).unsqueeze(-1)
        mask = inputs["action_mask"].to(tokens.dtype)
        return Encoded(self.trunk(torch.cat([tokens.flatten(1), inputs["globals"], mask], dim=-1)))
