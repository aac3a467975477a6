"""What a Q-network of GA-DQN learns from: decisions, what they earned, and what could be decided next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class Replay:
    """A ring of transitions, sampled uniformly.

    A decision is kept as the features of what was chosen. What could be chosen in the state after it is kept only where
    it counts: with a discount of 0 the decision ends with its reward.
    """

    def __init__(self, capacity: int, features: int, following: int) -> None:
        """`following` is the most candidates that are kept of the state after a decision; 0 for none."""
        self.chosen = np.zeros((capacity, features), np.float32)
        self.reward = np.zeros(capacity, np.float32)
        self.discount = np.zeros(capacity, np.float32)
        """What the value of the state after it counts; 0 where the decision ended."""
        self.following = np.zeros((capacity, following, features), np.float32)
        self.candidates = np.zeros(capacity, np.int64)
        """How many rows of `following` are in use."""
        self.added = 0
        self.carried = 0
        """How many of these came from other kernels."""

    def __len__(self) -> int:
        return min(self.added, len(self.reward))

    def add(
        self, chosen: np.ndarray, reward: float, discount: float = 0.0, following: np.ndarray | None = None
    ) -> None:
        """Keep one; of more candidates than there is room for, the first ones."""
        slot = self.added % len(self.reward)
        count = 0 if following is None else min(len(following), self.following.shape[1])
        self.chosen[slot], self.reward[slot] = chosen, reward
        self.discount[slot] = discount if count else 0.0
        if following is not None and count:
            self.following[slot, :count] = following[:count]
        self.candidates[slot] = count
        self.added += 1

    def sample(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """int [count]: the places of some, with replacement. Where some came from other kernels, every second one is of
        this kernel, of which there are far fewer."""
        places = rng.integers(len(self), size=count)
        own = min(self.added - self.carried, len(self))
        if self.carried and own:
            places[::2] = (self.added - 1 - rng.integers(own, size=len(places[::2]))) % len(self.reward)
        return places

    def state(self) -> dict[str, np.ndarray]:
        """What is in it, as arrays."""
        used = slice(len(self))
        return {
            "chosen": self.chosen[used].copy(),
            "reward": self.reward[used].copy(),
            "discount": self.discount[used].copy(),
            "following": self.following[used].copy(),
            "candidates": self.candidates[used].copy(),
            "added": np.array([self.added, self.carried]),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` returned."""
        count = len(state["reward"])
        for name in ("chosen", "reward", "discount", "following", "candidates"):
            getattr(self, name)[:count] = state[name]
        self.added, self.carried = (int(number) for number in state["added"])
