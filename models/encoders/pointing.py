"""The common ground of encoders for problems whose actions point at entities: any number of either, in any order.

No weight belongs to a row, so the same network scores 16 candidates and 64. The entities that actions point at, the
candidates, and those that are there for context have an input layer each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.encoded import Encoded


class Rows(NamedTuple):
    """The entities of a batch of states, without the rows at the ends that are padding in all of them."""

    candidates: Tensor
    """float32 [batch, candidates, token_features]; zero where there is none."""
    legal: Tensor
    """float32 [batch, candidates]: 1 where the action is legal, otherwise 0."""
    present: Tensor
    """float32 [batch, candidates]: 1 where there is an entity, otherwise 0."""
    context: Tensor
    """float32 [batch, context, token_features]; zero where there is none. The first is what is decided about."""
    context_present: Tensor
    """float32 [batch, context], likewise."""


class PointerEncoder(nn.Module, ABC):
    """Turns rows of entities into vectors; what comes of padding is cut off and put back here."""

    out_features: int
    entity_features: int
    """1 means that an entity's only feature is its score."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__()
        self.sizes, width = sizes, config.width
        self.candidate = nn.Linear(sizes.token_features + 1, width)
        self.context = nn.Linear(sizes.token_features, width) if sizes.max_tokens > sizes.actions else None
        self.globals = nn.Linear(sizes.globals, width)

    def forward(self, inputs: Mapping[str, Tensor]) -> Encoded:
        """From a batch of `policy_input` arrays."""
        rows = self._rows(inputs)
        whole, entities = self.encode(rows, inputs["globals"])
        missing = self.sizes.actions - entities.shape[1]
        return Encoded(whole, nn.functional.pad(entities, (0, 0, 0, missing)) if missing else entities)

    @abstractmethod
    def encode(self, rows: Rows, features: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [batch, out_features] of the whole and [batch, candidates, entity_features] of the candidates.

        `features` are the globals, float32 [batch, globals].
        """

    def _rows(self, inputs: Mapping[str, Tensor]) -> Rows:
        actions = self.sizes.actions
        present = inputs["token_mask"].to(torch.float32)
        legal = inputs["action_mask"].to(torch.float32)
        tokens = inputs["tokens"] * present.unsqueeze(-1)
        ahead, behind = present[:, :actions], present[:, actions:]
        used, shown = _used(ahead + legal), _used(behind)
        return Rows(
            tokens[:, :used],
            legal[:, :used],
            ahead[:, :used],
            tokens[:, actions : actions + shown],
            behind[:, :shown],
        )

    def embedded(self, rows: Rows, features: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Each on its own, float32 [batch, n, width]: the candidates, the context (None without any), and the whole."""
        candidates = self.candidate(torch.cat([rows.candidates, rows.legal.unsqueeze(-1)], dim=-1))
        context = self.context(rows.context) if self.context is not None else None
        return candidates, context, self.globals(features).unsqueeze(1)


def _used(mask: Tensor) -> int:
    """Rows up to the last one that any state of the batch has; at least one, where there are any.

    All of them while the network is written to an ONNX file, for what is written must hold for every state.
    """
    rows = mask.shape[1]
    if torch.onnx.is_in_onnx_export() or not rows:
        return rows
    used = np.flatnonzero(mask.amax(0).cpu().numpy())
    return int(used[-1]) + 1 if len(used) else 1


def masked_mean(vectors: Tensor, weights: Tensor) -> Tensor:
    """[batch, width] from [batch, n, width], over the rows whose weight [batch, n] is 1 and not 0; zero without any."""
    shares = weights / weights.sum(1, keepdim=True).clamp(min=1)
    return torch.bmm(shares.unsqueeze(1), vectors).squeeze(1)
