"""`models.encoders.transformer` in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from models.batches import Batch
from models.encoders.transformer import EntityTransformer
from models.numpy_forward.layers import Linear, Normalisation, array, relu


class TransformerEncoder:
    """`EntityTransformer`. All that is added up along its blocks is normalised before use, so it is centred here."""

    def __init__(self, encoder: EntityTransformer) -> None:
        self.token, self.whole = Linear.centred(encoder.token), Linear.centred(encoder.whole)
        position = array(encoder.position)
        self.position = position - position.mean(axis=1, keepdims=True)
        blocks: Any = encoder.blocks
        self.blocks = [_Block(block) for block in blocks.layers]
        self.last = Normalisation(blocks.norm)

    def __call__(self, inputs: Batch) -> np.ndarray:
        """float32 [batch, out_features] from `policy_input` arrays."""
        present = inputs["token_mask"] > 0
        used = present.any(axis=0)  # what is padding in all states is seen by nothing, and left out
        present = present[:, used]
        tokens = self.token(inputs["tokens"][:, used]) + self.position[used]
        whole = self.whole(np.concatenate([inputs["globals"], inputs["action_mask"]], axis=1, dtype=np.float32))
        vectors = np.concatenate([whole[:, None], tokens], axis=1)
        # The whole is always seen, so nothing attends to padding alone.
        padding = np.zeros((len(present), 1, 1, vectors.shape[1]), np.float32)
        padding[:, 0, 0, 1:][~present] = -np.inf
        for block in self.blocks:
            vectors = block(vectors, padding)
        vectors = self.last(vectors)
        count = np.maximum(present.sum(axis=1, keepdims=True), 1)
        mean = np.vecmat((present / count).astype(np.float32), vectors[:, 1:])
        return np.concatenate([vectors[:, 0], mean], axis=1)


class _Block:
    """`nn.TransformerEncoderLayer` without dropout, with ReLU and its normalisations first."""

    def __init__(self, block: nn.TransformerEncoderLayer) -> None:
        self.before_attention, self.before_perceptron = Normalisation(block.norm1), Normalisation(block.norm2)
        attention = block.self_attn
        self.heads, self.scale = attention.num_heads, np.float32(attention.head_dim**-0.5)
        self.projections = Linear(attention.in_proj_weight, attention.in_proj_bias)
        self.joined = Linear.centred(attention.out_proj)
        self.first, self.second = Linear.of(block.linear1), Linear.centred(block.linear2)

    def __call__(self, vectors: np.ndarray, padding: np.ndarray) -> np.ndarray:
        """[batch, n, width] from the same; `padding` [batch, 1, 1, n] is -inf where there is nothing to see, else 0."""
        vectors = vectors + self.joined(self._attended(self.before_attention(vectors), padding))
        added: np.ndarray = vectors + self.second(relu(self.first(self.before_perceptron(vectors))))
        return added

    def _attended(self, vectors: np.ndarray, padding: np.ndarray) -> np.ndarray:
        """Vaswani et al. (2017), section 3.2, up to where the heads are joined. Row by row, as `Linear` is."""
        batch, n, width = vectors.shape
        projected = self.projections(vectors).reshape(batch, n, 3, self.heads, -1)
        query, key, value = projected.transpose(2, 0, 3, 1, 4)  # each [batch, heads, n, width / heads]
        scores = np.matvec(key[:, :, None], query) * self.scale + padding
        weights = np.exp(scores - scores.max(axis=3, keepdims=True))
        attended: np.ndarray = np.vecmat(weights, value[:, :, None]) / weights.sum(axis=3, keepdims=True)
        return attended.swapaxes(1, 2).reshape(batch, n, width)
