"""`models.encoders.scorer` in NumPy, and the head that points."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.batches import Batch
from models.encoders.scorer import CandidateScorer
from models.heads import PointerHead
from models.numpy_forward.layers import Linear, Normalisation, relu


class Pointed(NamedTuple):
    """What a pointing encoder makes of states."""

    whole: np.ndarray
    """float32 [batch, out_features]"""
    entities: np.ndarray
    """float32 [batch, candidates, entity_features]: without the rows at the end that no state uses."""


class ScorerEncoder:
    """`CandidateScorer`."""

    def __init__(self, encoder: CandidateScorer) -> None:
        self.actions = encoder.sizes.actions
        self.candidate, self.globals = Linear.of(encoder.candidate), Linear.of(encoder.globals)
        self.context = None if encoder.context is None else Linear.of(encoder.context)
        self.summary, self.centred_summary = Linear.of(encoder.summary), Linear.centred(encoder.summary)
        self.first = Normalisation(encoder.first)
        layers: Any = encoder.layers
        self.layers = [(Linear.centred(linear), Normalisation(norm)) for linear, norm, _ in layers]

    def __call__(self, inputs: Batch) -> Pointed:
        """From `policy_input` arrays."""
        present = inputs["token_mask"].astype(np.float32)
        legal = inputs["action_mask"].astype(np.float32)
        tokens = inputs["tokens"] * present[..., None]
        ahead, behind = present[:, : self.actions], present[:, self.actions :]
        used, shown = _used(ahead + legal), _used(behind)
        ahead, legal, behind = ahead[:, :used], legal[:, :used], behind[:, :shown]

        candidates = self.candidate(np.concatenate([tokens[:, :used], legal[..., None]], axis=2))
        seen = relu(candidates)
        parts = [self.globals(inputs["globals"]), _mean(seen, ahead), _mean(seen, legal)]
        if self.context is not None:
            context = relu(self.context(tokens[:, self.actions : self.actions + shown]))
            parts += [_mean(context, behind), context[:, 0]]
        told = relu(np.concatenate(parts, axis=1))
        candidates -= candidates.mean(axis=2, keepdims=True)
        vectors = relu(self.first(candidates + self.centred_summary(told)[:, None]))
        for linear, norm in self.layers:
            vectors = relu(norm(linear(vectors)))
        return Pointed(np.concatenate([relu(self.summary(told)), _mean(vectors, legal)], axis=1), vectors)


class Pointer:
    """`PointerHead` for entities with several features."""

    def __init__(self, head: PointerHead) -> None:
        self.score, self.preference = Linear.of(head.score), np.float32(head.preference.item())

    def __call__(self, entities: np.ndarray, inputs: Batch) -> np.ndarray:
        """float32 [batch, actions]. What is no candidate has a score of 0."""
        count = entities.shape[1]
        scores = np.zeros(inputs["action_mask"].shape, np.float32)
        preferred = inputs["tokens"][:, :count, 0] * inputs["token_mask"][:, :count]
        scores[:, :count] = self.score(entities)[..., 0] + self.preference * preferred
        return scores


def _used(mask: np.ndarray) -> int:
    """As many rows as lead up to the last one that any state has; at least one, where there are any."""
    used = np.flatnonzero(mask.any(axis=0))
    return int(used[-1]) + 1 if len(used) else min(1, mask.shape[1])


def _mean(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`models.encoders.pointing.masked_mean`."""
    found: np.ndarray = np.vecmat(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1), vectors)
    return found
