"""Actors: they play with their own share of chance, and fill the replay with transitions and first priorities."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import ray

from models.replay.transitions import EpisodeAssembler, Transitions
from models.runners.outcomes import Lost
from models.runners.pool_runner import PoolEnvRunner

ADDS_IN_FLIGHT = 2
"""Fragments on their way to the replay. A runner whose replay is slower than that waits for it."""


class Weights(NamedTuple):
    """The acting network at some point of training. Costs nothing to send: the state travels by reference."""

    version: int
    updates: int
    """Updates made before."""
    state: Any
    """The module's state, or Ray's reference to it."""


class Played(NamedTuple):
    """What a runner reports of a fragment; the transitions went to the replay."""

    env_steps: int
    version: int
    """Of the weights that it was played with."""
    updates: int
    adds_in_flight: int
    metrics: Mapping[str, Any]


class Failed(NamedTuple):
    """What a runner reports instead when its environment raised."""

    error: str
    trace: str


def epsilon_ladder(count: int, base: float, alpha: float) -> np.ndarray:
    """float32 [count]: base^(1 + alpha i / (count - 1)), falling from `base` (Horgan et al., 2018, section 4.1)."""
    return (base ** (1 + alpha * np.arange(count) / max(count - 1, 1))).astype(np.float32)


class ApexEnvRunner(PoolEnvRunner):
    config: Any

    def __init__(self, **kwargs: Any) -> None:
        self._epsilons: np.ndarray | None = None
        self._shards: Sequence[Any] = ()
        self._next_shard = 0
        self._adds: deque[Any] = deque()
        self._played_with = (0, 0)
        super().__init__(**kwargs)
        self._assemble = EpisodeAssembler(self.config.n_step, self.config.gamma)
        if not self.config.in_evaluation:
            self._epsilons = self._own_epsilons()

    def _own_epsilons(self) -> np.ndarray:
        """This runner's part of the ladder over the environments of all runners."""
        runners, envs = max(self.config.num_env_runners, 1), self.config.num_envs_per_env_runner
        ladder = epsilon_ladder(runners * envs, self.config.epsilon_base, self.config.epsilon_alpha)
        first = max((self.worker_index or 0) - 1, 0) * envs
        # Runners added beyond the configured number go up the ladder again.
        own: np.ndarray = ladder[(first + np.arange(envs)) % len(ladder)]
        return own

    def exploration(self, indices: list[int]) -> dict[str, Any]:
        """What `forward_exploration` gets for these environments."""
        return {} if self._epsilons is None else {"epsilon": self._epsilons[indices]}

    def set_shards(self, shards: Sequence[Any]) -> None:
        """Ray actors of `ReplayShard`; every runner begins with another one."""
        self._shards, self._next_shard = shards, self.worker_index or 0
        self._adds.clear()

    def take(self, weights: Weights) -> None:
        """Act with these weights from now on, unless they are in use already."""
        if weights.version == self._played_with[0]:
            return
        state = ray.get(weights.state) if isinstance(weights.state, ray.ObjectRef) else weights.state
        self.module.set_state(state)
        self.weights_changed()
        self._played_with = (weights.version, weights.updates)

    def play(self, weights: Weights) -> Played | Failed:
        """Play a fragment and send what it taught to a shard.

        An environment's error is reported, because RLlib would end this process for it and tell nobody.
        """
        try:
            steps, transitions = self.play_here(weights)
        except ray.exceptions.RayError:
            raise
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            return Failed(f"environment runner {self.worker_index}: {type(error).__name__}: {error}", trace)
        if transitions is not None and self._shards:
            self._push(transitions)
        return self.played(steps)._replace(metrics=self.get_metrics())

    def played(self, steps: int) -> Played:
        """A report of that many steps, without metrics."""
        return Played(steps, *self._played_with, len(self._adds), {})

    def play_here(self, weights: Weights) -> tuple[int, Transitions | None]:
        """Play a fragment; the number of steps, and the transitions that became complete."""
        self.take(weights)
        episodes = self.sample()
        return sum(len(episode) for episode in episodes), self._assemble(episodes)

    def _push(self, transitions: Transitions) -> None:
        # Whatever became of earlier fragments, in a shard that died they are lost with the others there.
        while len(self._adds) >= ADDS_IN_FLIGHT:
            ray.wait([self._adds.popleft()])
        shard = self._shards[self._next_shard % len(self._shards)]
        self._next_shard += 1
        self._adds.append(shard.add.remote(transitions))
        while self._adds and ray.wait([self._adds[0]], timeout=0)[0]:
            self._adds.popleft()

    def _start(self) -> None:
        self._assemble.forget()
        super()._start()

    def _lost(self, index: int, outcome: Lost) -> None:
        if self._ongoing_episodes[index] is not None:
            self._assemble.forget(self._ongoing_episodes[index].id_)
        super()._lost(index, outcome)
