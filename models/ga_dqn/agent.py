"""A double deep Q-network (van Hasselt et al., 2016) that scores each possible choice by its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from models.ga_dqn.replay import Replay
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.small_network import SmallNetwork
from rllib_envs.torch_threads import torch_threads

MOST_FOLLOWING = 64
"""Candidates that are kept of the state after a decision; a kernel rarely has more moves."""


class Agent:
    """One network for any number of choices: each is scored alone, by features of its knob, its move and its gene."""

    def __init__(self, features: int, settings: GADQNSettings, seed: int) -> None:
        self.settings = settings
        self.rng = np.random.default_rng([seed, 2])
        self.network = SmallNetwork(features, settings.hidden, self.rng)
        self.target = self.network.weights.clone()
        """The target network's weights: equal at the start, and then following slowly."""
        self.replay = Replay(settings.replay, features, MOST_FOLLOWING if settings.discount else 0)
        self.owed = 0.0
        """Gradient steps that were earned and not made yet."""

    def scores(self, candidates: np.ndarray) -> np.ndarray:
        """float32 [candidates]: what each choice is expected to earn."""
        with torch_threads(1):
            return self.network.values(candidates)

    def remember(
        self, chosen: np.ndarray, reward: float, discount: float = 0.0, following: np.ndarray | None = None
    ) -> None:
        """Keep a decision. `following` are the candidates of the state after it, where it didn't end."""
        self.replay.add(chosen, reward, discount, following)
        self.owed += self.settings.updates_per_trial

    def learn(self) -> None:
        """Make the gradient steps that are owed, once there is enough to learn from."""
        if len(self.replay) < self.settings.learn_after:
            return
        with torch_threads(1):
            while self.owed >= 1:
                places = self.replay.sample(self.rng, self.settings.batch)
                self.network.fit(self.replay.chosen[places], self._targets(places), self.settings.learning_rate)
                self.target.lerp_(self.network.weights, self.settings.target_rate)
                self.owed -= 1

    def _targets(self, places: np.ndarray) -> np.ndarray:
        """float32 [batch]: the reward, and where the decision didn't end, the target network's value of what the online
        network would choose next."""
        targets: np.ndarray = self.replay.reward[places]
        goes_on = np.flatnonzero(self.replay.discount[places])
        if not len(goes_on):
            return targets
        kept = places[goes_on]
        following, candidates = self.replay.following[kept], self.replay.candidates[kept]
        values = self.network.values(following.reshape(-1, following.shape[-1])).reshape(following.shape[:2])
        values[np.arange(following.shape[1]) >= candidates[:, None]] = -np.inf
        chosen = following[np.arange(len(kept)), values.argmax(axis=1)]
        targets[goes_on] += self.replay.discount[kept] * self.network.values(chosen, self.target)
        return targets

    def knowledge(self) -> dict[str, np.ndarray]:
        """The weights and what is remembered: what the next kernel can use."""
        replay = {f"replay.{name}": value for name, value in self.replay.state().items()}
        return {"weights": self.network.weights.numpy().copy()} | replay

    def learn_from(self, knowledge: Mapping[str, np.ndarray]) -> None:
        """Take over what `knowledge` returned on other kernels. The target network starts equal."""
        self.network.weights = torch.from_numpy(np.array(knowledge["weights"]))
        self.target = self.network.weights.clone()
        self.replay.restore(_named("replay.", knowledge))
        self.replay.carried = self.replay.added

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which `restore` goes on."""
        arrays = self.knowledge() | {"target": self.target.numpy().copy()}
        arrays |= {f"network.{name}": value for name, value in self.network.state().items()}
        return arrays, {"owed": self.owed, "rng": self.rng.bit_generator.state}

    def restore(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Put back what `state` returned."""
        self.network.restore(_named("network.", arrays))
        self.target = torch.from_numpy(np.array(arrays["target"]))
        self.replay.restore(_named("replay.", arrays))
        self.owed, self.rng.bit_generator.state = values["owed"], values["rng"]


def _named(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
