"""Each candidate by itself, through the same multilayer perceptron, beside a summary of all of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.pointing import PointerEncoder, Rows, masked_mean


class CandidateScorer(PointerEncoder):
    """The smallest encoder for pointing, and the fastest. What it knows of relations, the features say."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__(sizes, config)
        width = config.width
        self.summary = nn.Linear((3 if self.context is None else 5) * width, width)
        self.first = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU()) for _ in range(config.layers)
        )
        self.out_features, self.entity_features = 2 * width, width

    def encode(self, rows: Rows, features: Tensor) -> tuple[Tensor, Tensor]:
        candidates, context, whole = self.embedded(rows, features)
        seen = torch.relu(candidates)
        parts = [whole.squeeze(1), masked_mean(seen, rows.present), masked_mean(seen, rows.legal)]
        if context is not None:
            context = torch.relu(context)
            parts += [masked_mean(context, rows.context_present), context[:, 0]]
        summary = self.summary(torch.relu(torch.cat(parts, dim=-1)))
        vectors = torch.relu(self.first(candidates + summary.unsqueeze(1)))
        for layer in self.layers:
            vectors = layer(vectors)
        return torch.cat([torch.relu(summary), masked_mean(vectors, rows.legal)], dim=-1), vectors
