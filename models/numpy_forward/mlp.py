"""`models.encoders.mlp` in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.encoders.mlp import EntityMLP
from models.forward import Batch
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
        """float32 [batch, out_features] from `policy_input` arrays."""
        tokens = relu(self.token(inputs["tokens"]))
        tokens *= inputs["token_mask"].astype(np.float32)[..., None]
        seen = (tokens.reshape(len(tokens), -1), inputs["globals"], inputs["action_mask"])
        features = np.concatenate(seen, axis=1, dtype=np.float32)
        for linear, norm in self.layers:
            features = relu(norm(linear(features)))
        return features
