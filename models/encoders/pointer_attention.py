"""Candidates, context and the whole attend to each other: all to all, or along the links that the tokens have."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.pointing import PointerEncoder, Rows, masked_mean
from rllib_envs.errors import UserError


class Block(nn.Module):
    """Attention and a perceptron, each with its normalisation before and what came in added after."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, vectors: Tensor, seen: Tensor) -> Tensor:
        """[batch, n, width] from the same; `seen` bool [batch, 1, n, n]: what each row attends to."""
        projected = self.projections(self.before_attention(vectors)).unflatten(-1, (3 * self.heads, -1))
        query, key, value = projected.transpose(1, 2).chunk(3, dim=1)
        # By single operations: PyTorch's fused attention has no counterpart in an ONNX file.
        weights = (query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])).masked_fill(~seen, -torch.inf)
        attended = torch.softmax(weights, dim=-1) @ value
        vectors = vectors + self.joined(attended.transpose(1, 2).flatten(2))
        added: Tensor = vectors + self.perceptron(self.before_perceptron(vectors))
        return added


class PointerTransformer(PointerEncoder):
    """Transformer blocks (Vaswani et al., 2017) without positions: a row's place means nothing here."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__(sizes, config)
        width = config.width
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.last = nn.LayerNorm(width)
        self.out_features, self.entity_features = 2 * width, width

    def encode(self, rows: Rows, features: Tensor) -> tuple[Tensor, Tensor]:
        candidates, context, whole = self.embedded(rows, features)
        vectors = torch.cat([whole, candidates, *([] if context is None else [context])], dim=1)
        seen = self.visible(rows).unsqueeze(1)
        for block in self.blocks:
            vectors = block(vectors, seen)
        vectors = self.last(vectors)
        entities = vectors[:, 1 : candidates.shape[1] + 1]
        return torch.cat([vectors[:, 0], masked_mean(entities, rows.legal)], dim=-1), entities

    def visible(self, rows: Rows) -> Tensor:
        """bool [batch, n, n]: what each row attends to. The whole's is the first and always seen, so that nothing
        attends to padding alone, which would give NaN.
        """
        present = torch.cat([torch.ones_like(rows.legal[:, :1]), rows.present, rows.context_present], dim=1) > 0
        return present.unsqueeze(1).expand(-1, present.shape[1], -1)


class GraphAttention(PointerTransformer):
    """Attention along edges, as in graph attention networks (Velickovic et al., 2018), with a transformer's blocks.

    Edges are the tokens' links, in both directions; those from the first row of the context, which is what is decided
    about, to all candidates; and those of the whole to everything.
    """

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__(sizes, config)
        if not sizes.links:
            raise UserError("the encoder graph_attention needs links between tokens, which this problem doesn't show")

    def visible(self, rows: Rows) -> Tensor:
        candidates = rows.present.shape[1]
        tokens = torch.cat([torch.zeros_like(rows.candidates[:, :1]), rows.candidates, rows.context], dim=1)
        links = torch.round(tokens[:, :, -self.sizes.links :] * self.sizes.max_tokens) - 1  # -1 for none, or the whole
        place = torch.arange(tokens.shape[1], device=tokens.device) - 1
        edges = (links.unsqueeze(-1) == place + (place >= candidates) * (self.sizes.actions - candidates)).any(dim=2)
        is_whole, is_candidate, at_hand = place < 0, (place >= 0) & (place < candidates), place == candidates
        always = is_whole | is_whole.unsqueeze(1) | (place == place.unsqueeze(1))
        always = always | (is_candidate & at_hand.unsqueeze(1)) | (is_candidate.unsqueeze(1) & at_hand)
        return super().visible(rows) & (edges | edges.transpose(1, 2) | always)
