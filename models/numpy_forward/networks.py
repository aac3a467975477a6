"""`models.networks` in NumPy."""

from __future__ import annotations

import numpy as np
from torch import nn

from models.batches import Batch
from models.encoders.build import Encoder
from models.encoders.mlp import EntityMLP
from models.encoders.scorer import CandidateScorer
from models.encoders.transformer import EntityTransformer
from models.heads import PointerHead
from models.networks import MASKED, Network, PolicyNetwork, RecurrentQNetwork
from models.numpy_forward.layers import ONE_THREAD, Linear, Memory
from models.numpy_forward.mlp import MLPEncoder
from models.numpy_forward.scorer import Pointed, Pointer, ScorerEncoder
from models.numpy_forward.transformer import TransformerEncoder

_MASKED = np.float32(MASKED)


class NumpyForward:
    """See `models.forward.Forward`. The weights are those that the network has when this is made."""

    def __init__(self, network: Network) -> None:
        self._actor_critic = isinstance(network, PolicyNetwork)
        self._memory = Memory(network.memory) if isinstance(network, RecurrentQNetwork) else None
        if isinstance(network, PolicyNetwork):
            self._encoder, self._action = _encoder(network.actor_encoder), _action(network.actor)
            self._critic_encoder, self._value = _encoder(network.critic_encoder), Linear.of(network.critic)
        else:
            self._encoder, self._action = _encoder(network.encoder), _action(network.advantage)
            self._value = Linear.of(network.state_value)

    @staticmethod
    def knows(network: Network) -> bool:
        """Whether it can evaluate the network, and on one thread. Of wider networks PyTorch's part is small anyway."""
        encoder = network.actor_encoder if isinstance(network, PolicyNetwork) else network.encoder
        small = all(parameter.numel() < ONE_THREAD for parameter in network.parameters())
        if isinstance(encoder, CandidateScorer):
            return small and not isinstance(network, RecurrentQNetwork)
        return small and isinstance(encoder, EntityMLP | EntityTransformer)

    def scores(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        if self._actor_critic:
            return self.preferences(inputs, memory)
        whole, advantage, memory = self._ask(inputs, memory)
        legal = inputs["action_mask"].astype(np.float32)
        mean = np.vecdot(advantage, legal) / np.maximum(legal.sum(axis=-1), 1)
        return _masked(advantage + (self._value(whole)[:, 0] - mean)[:, None], inputs), memory

    def preferences(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        _, scores, memory = self._ask(inputs, memory)
        return _masked(scores, inputs), memory

    def _ask(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """What the head of values sees, what that of actions says, and what is remembered."""
        seen = self._encoder(inputs)
        if isinstance(seen, Pointed):
            assert isinstance(self._action, Pointer), "heads point where encoders do"
            return seen.whole, self._action(seen.entities, inputs), None
        assert isinstance(self._action, Linear), "heads point where encoders do"
        if self._memory is not None:
            seen = memory = self._memory(seen, memory)
        return seen, self._action(seen), memory

    def value(self, inputs: Batch) -> np.ndarray:
        seen = self._critic_encoder(inputs)
        return self._value(seen.whole if isinstance(seen, Pointed) else seen)[:, 0]


def _masked(scores: np.ndarray, inputs: Batch) -> np.ndarray:
    return np.where(inputs["action_mask"] > 0, scores, _MASKED)


def _encoder(encoder: Encoder) -> MLPEncoder | TransformerEncoder | ScorerEncoder:
    if isinstance(encoder, EntityMLP):
        return MLPEncoder(encoder)
    if isinstance(encoder, CandidateScorer):
        return ScorerEncoder(encoder)
    assert isinstance(encoder, EntityTransformer), "this is asked for networks that it knows"
    return TransformerEncoder(encoder)


def _action(head: nn.Module) -> Linear | Pointer:
    return Pointer(head) if isinstance(head, PointerHead) else Linear.of(head)
