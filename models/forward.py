"""Asking a network about states that are numpy arrays, outside of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from models.batches import Batch
from rllib_envs.torch_threads import torch_threads

if TYPE_CHECKING:
    from models.networks import Network


class Forward(Protocol):
    """A network's forward pass."""

    def scores(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """float32 [batch, actions]: expected returns, or log-probabilities up to a constant for each state. Illegal
        actions are at `MASKED` of `models.networks`.

        Besides, what a recurrent network remembers after these states, float32 [batch, width]; `memory` is that of the
        states before, None at the start of all of their episodes.
        """
        ...

    def preferences(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The same, but expected returns, too, only up to a constant for each state: all that a choice depends on."""
        ...

    def value(self, inputs: Batch) -> np.ndarray:
        """float32 [batch]: the critic's. Networks whose scores are expected returns have none."""
        ...


def forward_of(network: Network) -> Forward:
    """The fastest way to ask it about a few states."""
    from models.numpy_forward.networks import NumpyForward

    return NumpyForward(network) if NumpyForward.knows(network) else TorchForward(network)


class TorchForward:
    """By PyTorch, which can evaluate any network."""

    def __init__(self, network: Network) -> None:
        self._network: Any = network

    def scores(self, inputs: Batch, memory: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        import torch

        with torch_threads(1), torch.inference_mode():
            before = None if memory is None else torch.from_numpy(memory)
            scores, after = self._network.step(_tensors(inputs), before)
            return scores.numpy(), None if after is None else after.numpy()

    preferences = scores

    def value(self, inputs: Batch) -> np.ndarray:
        import torch

        with torch_threads(1), torch.inference_mode():
            found: np.ndarray = self._network.value(_tensors(inputs)).numpy()
            return found


def _tensors(inputs: Batch) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(array) for name, array in inputs.items()}
