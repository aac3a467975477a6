"""A network of two hidden layers whose gradient and Adam are written out.

PyTorch's own spend most of a step between operations at this size: 1.1 ms of processor time against 0.4 ms, on a batch
of 64. A tuner makes several steps for each trial, and numpy's matrix products would take every core for each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

BETAS, TINY = (0.9, 0.999), 1e-8
"""Adam's (Kingma and Ba 2015), as usual."""


class SmallNetwork:
    """From `features` numbers to one, through two layers of `hidden` rectified units."""

    def __init__(self, features: int, hidden: int, rng: np.random.Generator) -> None:
        self.hidden = hidden
        self._shapes = ((features, hidden), (hidden,), (hidden, hidden), (hidden,), (hidden, 1), (1,))
        initial = np.concatenate([_initial(shape, rng) for shape in self._shapes])
        initial[-hidden - 1 :] *= 0.1  # values near 0 at first
        self.weights = torch.from_numpy(initial)
        """float32 [parameters]: all matrices and biases, one after the other."""
        self.mean, self.square = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        """Adam's memory."""
        self.steps = 0
        self._gradient = torch.zeros_like(self.weights)

    def values(self, rows: np.ndarray, weights: Tensor | None = None) -> np.ndarray:
        """float32 [rows], of other weights than its own where there are some."""
        w1, b1, w2, b2, w3, b3 = self._parts(self.weights if weights is None else weights)
        first = torch.addmm(b1, torch.from_numpy(rows), w1).relu_()
        values: np.ndarray = torch.addmm(b3, torch.addmm(b2, first, w2).relu_(), w3).squeeze(-1).numpy()
        return values

    def fit(self, rows: np.ndarray, targets: np.ndarray, rate: float) -> None:
        """One step of Adam on the mean Huber loss of these rows."""
        inputs, wanted = torch.from_numpy(rows), torch.from_numpy(targets)
        w1, b1, w2, b2, w3, b3 = self._parts(self.weights)
        first = torch.addmm(b1, inputs, w1).relu_()
        second = torch.addmm(b2, first, w2).relu_()
        error = torch.addmm(b3, second, w3).squeeze(-1) - wanted
        slope = (error.clamp_(-1, 1) / len(rows)).unsqueeze(-1)
        slope_second = torch.mm(slope, w3.T) * (second > 0)
        slope_first = torch.mm(slope_second, w2.T) * (first > 0)
        gradients = self._parts(self._gradient)
        for layer, (before, after) in enumerate(((inputs, slope_first), (first, slope_second), (second, slope))):
            torch.mm(before.T, after, out=gradients[2 * layer])
            torch.sum(after, 0, out=gradients[2 * layer + 1])
        self._descend(rate)

    def state(self) -> dict[str, np.ndarray]:
        """The weights and Adam's memory."""
        named = {"weights": self.weights, "mean": self.mean, "square": self.square}
        return {name: value.numpy().copy() for name, value in named.items()} | {"steps": np.array([self.steps])}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` returned."""
        for name in ("weights", "mean", "square"):
            setattr(self, name, torch.from_numpy(np.array(state[name])))
        self.steps = int(state["steps"][0])

    def _descend(self, rate: float) -> None:
        self.steps += 1
        first, second = BETAS
        self.mean.lerp_(self._gradient, 1 - first)
        self.square.mul_(second).addcmul_(self._gradient, self._gradient, value=1 - second)
        deviation = self.square.sqrt().div_(math.sqrt(1 - second**self.steps)).add_(TINY)
        self.weights.addcdiv_(self.mean, deviation, value=-rate / (1 - first**self.steps))

    def _parts(self, weights: Tensor) -> list[Tensor]:
        split = torch.split(weights, [math.prod(shape) for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(split, self._shapes, strict=True)]


def _initial(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform, as PyTorch's linear layers; biases 0."""
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    bound = shape[0] ** -0.5
    return rng.uniform(-bound, bound, shape).astype(np.float32).ravel()
