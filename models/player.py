"""A policy in one episode: from what is seen to what is done, on one thread and without Ray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rllib_envs.errors import IllegalAction

if TYPE_CHECKING:
    from models.networks import Network

Q_TEMPERATURE = 0.02
"""Sampling from action values: an action that promises this much less return is drawn 1/e as often. The unit is the
benchmark's scale; differences below it are within what an action value is off by."""


class Player:
    """Decides step by step. A recurrent network remembers what it was shown, so show it each state once, in order."""

    def __init__(self, network: Network, *, values: bool) -> None:
        """`values`: the network's scores are expected returns; otherwise log-probabilities."""
        self._network: Any = network
        self._values = values
        self._state: Any = None

    def scores(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """float32 [actions]: log-probabilities or expected returns; illegal actions are -inf.

        `inputs` is what `rllib_envs.tuning_env.policy_input` returns for one state, the episode's next.
        """
        import torch

        with one_thread(), torch.inference_mode():
            batch = {name: torch.from_numpy(np.asarray(array)).unsqueeze(0) for name, array in inputs.items()}
            scores, self._state = self._network.step(batch, self._state)
            return np.where(inputs["action_mask"] > 0, scores[0].numpy(), np.float32(-np.inf))

    def act(self, inputs: Mapping[str, np.ndarray], rng: np.random.Generator | None = None) -> int:
        """The best legal action; with `rng`, one drawn in proportion to what the policy thinks of it.

        Raises IllegalAction when nothing is legal, which means that the episode is over.
        """
        if not (inputs["action_mask"] > 0).any():
            raise IllegalAction("no action is legal in this state: the solution is complete")
        scores = self.scores(inputs)
        if rng is None:
            return int(scores.argmax())
        if self._values:
            scores = scores / Q_TEMPERATURE
        weights = np.exp(scores.astype(np.float64) - scores.max())
        return int(rng.choice(len(weights), p=weights / weights.sum()))


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on this thread alone. Matrices this small gain nothing from others, and lose milliseconds by waiting
    for them where all cores are busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
