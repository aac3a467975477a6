"""Entities that attend to each other (Vaswani et al., 2017), and to one token that stands for the whole."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.encoded import Encoded


class EntityTransformer(nn.Module):
    """For problems with many entities, whose relations matter more than their places."""

    out_features: int

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.token = nn.Linear(sizes.token_features, width)
        self.position = nn.Parameter(torch.zeros(sizes.max_tokens, width))
        self.whole = nn.Linear(sizes.globals + sizes.actions, width)
        block = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, config.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.out_features = 2 * width

    def forward(self, inputs: Mapping[str, Tensor]) -> Encoded:
        """The whole's token beside the mean of the entities, from a batch of `policy_input` arrays."""
        tokens = self.token(inputs["tokens"]) + self.position
        mask = inputs["action_mask"].to(tokens.dtype)
        whole = self.whole(torch.cat([inputs["globals"], mask], dim=-1))
        present = inputs["token_mask"] > 0
        # The whole's token is always present, so attention never meets a row of padding alone, which gives NaN.
        padding = torch.cat([torch.zeros_like(present[:, :1]), ~present], dim=1)
        seen = self.blocks(torch.cat([whole.unsqueeze(1), tokens], dim=1), src_key_padding_mask=padding)
        weight = present.to(tokens.dtype).unsqueeze(-1)
        mean = (seen[:, 1:] * weight).sum(1) / weight.sum(1).clamp(min=1)
        return Encoded(torch.cat([seen[:, 0], mean], dim=-1))
