"""`models.networks` in NumPy."""

from __future__ import annotations

import numpy as np

from models.batches import Batch
from models.encoders.build import Encoder
from models.encoders.mlp import EntityMLP
from models.encoders.transformer import EntityTransformer
from models.networks import MASKED, Network, PolicyNetwork, RecurrentQNetwork
from models.numpy_forward.layers import ONE_THREAD, Linear, Memory
from models.numpy_forward.mlp import MLPEncoder
from models.numpy_forward.transformer import TransformerEncoder

_MASKED = np.float32(MASKED)


class NumpyForward:
    """See `models.forward.Forward`. The weights are those that the network has when this is made."""

    def __init__(self, network: Network) -> None:
        self._actor_critic = isinstance(network, PolicyNetwork)
        self._memory = Memory(network.memory) if isinstance(network, RecurrentQNetwork) else None
        if isinstance(network, PolicyNetwork):
            self._encoder, self._action = _encoder(network.actor_encoder), Linear.of(network.actor)
            self._critic_encoder, self._value = _encoder(network.critic_encoder), Linear.of(network.critic)
        else:
            self._encoder, self._action = _encoder(network.encoder), Linear.of(network.advantage)
            self._value = Linear.of(network.state_value)

    @staticmethod
    def knows(network: Network) -> bool:
        """Whether it can evaluate the network, and on one thread. Of wider networks PyTorch's part is small anyway."""
        encoder = network.actor_encoder if isinstance(network, PolicyNetwork) else network.encoder
        small = all(parameter.numel() < ONE_THREAD for parameter in network.parameters())
        return small and isinstance(encoder, EntityMLP | EntityTransformer)

    def scores(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        if self._actor_critic:
            return self.preferences(inputs, memory)
        features, memory = self._features(inputs, memory)
        advantage, legal = self._action(features), inputs["action_mask"].astype(np.float32)
        mean = np.vecdot(advantage, legal) / np.maximum(legal.sum(axis=-1), 1)
        return _masked(advantage + (self._value(features)[:, 0] - mean)[:, None], inputs), memory

    def preferences(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        features, memory = self._features(inputs, memory)
        return _masked(self._action(features), inputs), memory

    def _features(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """What the heads see, and what is remembered."""
        features = self._encoder(inputs)
        if self._memory is not None:
            features = memory = self._memory(features, memory)
        return features, memory

    def value(self, inputs: Batch) -> np.ndarray:
        return self._value(self._critic_encoder(inputs))[:, 0]


def _masked(scores: np.ndarray, inputs: Batch) -> np.ndarray:
    return np.where(inputs["action_mask"] > 0, scores, _MASKED)


def _encoder(encoder: Encoder) -> MLPEncoder | TransformerEncoder:
    if isinstance(encoder, EntityMLP):
        return MLPEncoder(encoder)
    assert isinstance(encoder, EntityTransformer), "this is asked for networks that it knows"
    return TransformerEncoder(encoder)
