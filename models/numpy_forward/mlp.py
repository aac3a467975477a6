"""`models.encoders.mlp` in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.batches import Batch
from models.encoders.mlp import EntityMLP
from models.numpy_forward.layers import Linear, Normalisation, array, relu


class MLPEncoder:
    """`EntityMLP`."""

    def __init__(self, encoder: EntityMLP) -> None:
        self.token = Linear.of(encoder.token)
        self.token.bias = self.token.bias + array(encoder.position)
        modules: Any = list(encoder.trunk)
        self.layers = [
            (Linear.centred(linear), Normalisation(norm))
            for linear, norm in zip(modules[::3], modules[1::3], strict=True)
        ]

    def __call__(self, inputs: Batch) -> np.ndarray:
        """float32 [batch, out_features] from `policy_input` arrays.

        Of a single state without its batch axis: NumPy multiplies vectors in two thirds of the time that it takes for
        a matrix of one row.
        """
        if len(inputs["tokens"]) > 1:
            return self._features(inputs)
        return self._features({name: array[0] for name, array in inputs.items()})[None]

    def _features(self, inputs: Batch) -> np.ndarray:
        tokens = relu(self.token(inputs["tokens"]))
        tokens *= inputs["token_mask"].astype(np.float32)[..., None]
        seen = (tokens.reshape(*tokens.shape[:-2], -1), inputs["globals"], inputs["action_mask"])
        features = np.concatenate(seen, axis=-1, dtype=np.float32)
        for linear, norm in self.layers:
            features = relu(norm(linear(features)))
        return features
