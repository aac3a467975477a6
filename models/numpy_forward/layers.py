"""What the encoders and the heads of networks are made of."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from torch import nn

ONE_THREAD = 460_800
"""Of a row times a matrix of fewer entries than this, OpenBLAS 0.3.31 makes work for one thread only, on x86."""
ONE_THREAD_PRODUCT = 262_144
"""The same for a product of two matrices: so many multiplications, at most."""
FEW_WEIGHTS = 4_096
"""So few are quicker multiplied with all rows at once."""


class Linear:
    """A linear layer."""

    def __init__(self, weight: Any, bias: Any) -> None:
        self.weight, self.bias = array(weight).T.copy(), array(bias)

    @classmethod
    def of(cls, layer: nn.Module) -> Linear:
        assert isinstance(layer, nn.Linear), "networks whose actions point at nothing have linear layers and heads"
        return cls(layer.weight, layer.bias)

    @classmethod
    def centred(cls, layer: nn.Module) -> Linear:
        """The layer, less the mean of what it gives: what `Normalisation` expects. To take that off is linear, and is
        done to the weights."""
        found = cls.of(layer)
        found.weight -= found.weight.mean(axis=1, keepdims=True)
        found.bias = found.bias - found.bias.mean()
        return found

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """[..., outputs] from [..., inputs].

        One row at a time, but for few weights: of a product of large matrices BLAS would make work for all processors,
        and wait for them. Kept to one thread, that is no faster for a dozen rows: 11 times 128 x 384 weights take 45 us
        either way, 7 take 20 us by rows and 30 us as a matrix.
        """
        product: np.ndarray
        if features.ndim == 1:
            product = features.dot(self.weight)
        elif self.weight.size <= FEW_WEIGHTS and features.shape[-2] * self.weight.size <= ONE_THREAD_PRODUCT:
            product = np.matmul(features, self.weight)
        else:
            product = np.vecmat(features, self.weight)
        product += self.bias
        return product


class Normalisation:
    """Layer normalisation (Ba et al., 2016) of rows whose mean is zero, by `Linear.centred`."""

    def __init__(self, norm: nn.Module) -> None:
        assert isinstance(norm, nn.LayerNorm), "encoders normalise layers"
        gain, self.shift = array(norm.weight), array(norm.bias)
        self.gain, self.epsilon = gain * np.float32(len(gain) ** 0.5), norm.eps * len(gain)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """[..., width] from the same."""
        found: np.ndarray
        if rows.ndim == 1:
            found = rows * (self.gain / sqrt(rows.dot(rows) + self.epsilon)) + self.shift
        else:
            length = np.sqrt(np.vecdot(rows, rows) + self.epsilon)
            found = rows / length[..., None] * self.gain + self.shift
        return found


class Memory:
    """A gated recurrent unit, with its gates in PyTorch's order: reset, update, new."""

    def __init__(self, memory: nn.GRU) -> None:
        self.width = memory.hidden_size
        self.from_input = Linear(memory.weight_ih_l0, memory.bias_ih_l0)
        self.from_state = Linear(memory.weight_hh_l0, memory.bias_hh_l0)

    def __call__(self, features: np.ndarray, state: np.ndarray | None) -> np.ndarray:
        if state is None:
            state = np.zeros((len(features), self.width), np.float32)
        seen, kept = np.split(self.from_input(features), 3, axis=1), np.split(self.from_state(state), 3, axis=1)
        reset, update = _sigmoid(seen[0] + kept[0]), _sigmoid(seen[1] + kept[1])
        new = np.tanh(seen[2] + reset * kept[2])
        after: np.ndarray = (1 - update) * new + update * state
        return after


def relu(features: np.ndarray) -> np.ndarray:
    """With an array for the zero: to make one of a number takes as long as the maximum of a few hundred."""
    found: np.ndarray = np.maximum(features, _ZERO)
    return found


_ZERO = np.zeros(1, np.float32)


def array(parameter: Any) -> np.ndarray:
    """Shares its memory with the parameter."""
    found: np.ndarray = parameter.detach().numpy()
    return found


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * values))  # cannot overflow
