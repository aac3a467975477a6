"""The forward pass of networks with MLP encoders in NumPy, for the few states at a time of a policy in use.

`models.networks` defines what is computed. For one state PyTorch takes several times as long, nearly all of it to
prepare its operations, and a search that measures a schedule in a millisecond notices that.
`tests/models/test_inference.py` holds the two to the same scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from models.encoders.build import Encoder
from models.encoders.mlp import EntityMLP
from models.forward import Batch
from models.networks import MASKED, Network, PolicyNetwork, RecurrentQNetwork

_MASKED = np.float32(MASKED)


class NumpyForward:
    """See `models.forward.Forward`. The weights are those that the network has when this is made."""

    def __init__(self, network: Network) -> None:
        self._actor_critic = isinstance(network, PolicyNetwork)
        self._memory = _Memory(network.memory) if isinstance(network, RecurrentQNetwork) else None
        if isinstance(network, PolicyNetwork):
            self._encoder, self._action = _Encoder(network.actor_encoder), _linear(network.actor)
            self._critic_encoder, self._value = _Encoder(network.critic_encoder), _linear(network.critic)
        else:
            self._encoder, self._action = _Encoder(network.encoder), _linear(network.advantage)
            self._value = _linear(network.state_value)

    @staticmethod
    def knows(network: Network) -> bool:
        """Whether it can evaluate the network."""
        encoder = network.actor_encoder if isinstance(network, PolicyNetwork) else network.encoder
        return isinstance(encoder, EntityMLP)

    def scores(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        features, legal = self._encoder(inputs), inputs["action_mask"] > 0
        if self._memory is not None:
            features = memory = self._memory(features, memory)
        scores = self._action(features)
        if self._actor_critic:
            return np.where(legal, scores, _MASKED), None
        mean = (scores * legal).sum(-1, keepdims=True) / np.maximum(legal.sum(-1, keepdims=True), 1)
        return np.where(legal, self._value(features) + scores - mean.astype(np.float32), _MASKED), memory

    def value(self, inputs: Batch) -> np.ndarray:
        return self._value(self._critic_encoder(inputs))[:, 0]


class _Linear:
    def __init__(self, weight: Any, bias: Any) -> None:
        self.weight, self.bias = _array(weight).T.copy(), _array(bias)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """One row at a time: of a product of matrices BLAS would make work for all processors, and wait for them."""
        product: np.ndarray = (features[..., None, :] @ self.weight)[..., 0, :] + self.bias
        return product


class _Normalised:
    """A linear layer, layer normalisation and ReLU. To take off the mean is linear, and is done to the weights."""

    def __init__(self, linear: nn.Linear, norm: nn.LayerNorm) -> None:
        self.linear = _linear(linear)
        self.linear.weight -= self.linear.weight.mean(-1, keepdims=True)
        self.linear.bias = self.linear.bias - self.linear.bias.mean()
        width = len(self.linear.bias)
        self.epsilon = np.float32(norm.eps * width)
        self.gain, self.shift = _array(norm.weight) * np.float32(width**0.5), _array(norm.bias)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        centred = self.linear(features)
        length = np.sqrt(np.vecdot(centred, centred) + self.epsilon)
        found: np.ndarray = np.maximum(centred / length[..., None] * self.gain + self.shift, 0)
        return found


class _Encoder:
    """`EntityMLP`."""

    def __init__(self, encoder: Encoder) -> None:
        assert isinstance(encoder, EntityMLP), "this is asked for networks that it knows"
        self.weight = _array(encoder.token.weight).T.copy()
        self.bias = _array(encoder.token.bias) + _array(encoder.position)
        modules: Any = list(encoder.trunk)
        self.layers = [_Normalised(*modules[start : start + 2]) for start in range(0, len(modules), 3)]

    def __call__(self, inputs: Batch) -> np.ndarray:
        tokens = np.maximum(inputs["tokens"] @ self.weight + self.bias, 0) * inputs["token_mask"][..., None]
        rows = len(tokens)
        seen = (tokens.reshape(rows, -1), inputs["globals"], inputs["action_mask"])
        features = np.concatenate(seen, axis=1, dtype=np.float32)
        for layer in self.layers:
            features = layer(features)
        return features


class _Memory:
    """A gated recurrent unit, with its gates in PyTorch's order: reset, update, new."""

    def __init__(self, memory: nn.GRU) -> None:
        self.width = memory.hidden_size
        self.from_input = _Linear(memory.weight_ih_l0, memory.bias_ih_l0)
        self.from_state = _Linear(memory.weight_hh_l0, memory.bias_hh_l0)

    def __call__(self, features: np.ndarray, state: np.ndarray | None) -> np.ndarray:
        if state is None:
            state = np.zeros((len(features), self.width), np.float32)
        seen, kept = np.split(self.from_input(features), 3, axis=1), np.split(self.from_state(state), 3, axis=1)
        reset, update = _sigmoid(seen[0] + kept[0]), _sigmoid(seen[1] + kept[1])
        new = np.tanh(seen[2] + reset * kept[2])
        after: np.ndarray = (1 - update) * new + update * state
        return after


def _linear(layer: nn.Module) -> _Linear:
    assert isinstance(layer, nn.Linear), "networks with MLP encoders have linear heads"
    return _Linear(layer.weight, layer.bias)


def _array(parameter: Any) -> np.ndarray:
    found: np.ndarray = parameter.detach().numpy()
    return found


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * values))  # cannot overflow
