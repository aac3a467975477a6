"""Environments that are stepped one by one, each as soon as it is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import gymnasium

from models.runners.outcomes import Outcome, Started, Stepped, with_trace

MakeEnv = Callable[[int], gymnasium.Env[Any, Any]]
"""Builds the environment with this index."""


class EnvPool(Protocol):
    """Environments numbered from 0. Each one answers `start` and every `send` with outcomes, in its own time."""

    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]

    def __len__(self) -> int: ...

    def start(self, seed: int | None) -> None:
        """Reset all, the i-th with seed + i; what they were at is forgotten. `Started` follows for each."""

    def send(self, index: int, action: Any) -> None:
        """Play an action in an environment that has reported an observation and is not at its end."""

    def ready(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        """What has come in, by index; waits up to `timeout` seconds (None: for ever) where nothing has.

        Raises what an environment raised, with a note that holds its traceback. An environment's last step may come
        together with the start of its next episode, in this order.
        """

    def close(self) -> None:
        """End all environments. A second call does nothing."""


class SerialPool:
    """Environments in this process, stepped when they are told to: the same calls always give the same outcomes.

    What a debugger wants, and the fastest for environments that take microseconds or compute on this core.
    """

    def __init__(self, make: MakeEnv, count: int) -> None:
        self._envs = [make(index) for index in range(count)]
        self._came_in: list[tuple[int, Outcome]] = []
        self.observation_space = self._envs[0].observation_space
        self.action_space = self._envs[0].action_space

    def __len__(self) -> int:
        return len(self._envs)

    def start(self, seed: int | None) -> None:
        self._came_in.clear()
        for index in range(len(self._envs)):
            self._reset(index, None if seed is None else seed + index)

    def send(self, index: int, action: Any) -> None:
        try:
            outcome = Stepped(*self._envs[index].step(action))  # type: ignore[arg-type]
        except Exception as error:
            raise with_trace(error, index) from error.__cause__
        self._came_in.append((index, outcome))
        if outcome.done:
            self._reset(index, None)

    def ready(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        came_in, self._came_in = self._came_in, []
        return came_in

    def close(self) -> None:
        for env in self._envs:
            env.close()  # type: ignore[no-untyped-call]
        self._envs = []

    def _reset(self, index: int, seed: int | None) -> None:
        try:
            self._came_in.append((index, Started(*self._envs[index].reset(seed=seed))))
        except Exception as error:
            raise with_trace(error, index) from error.__cause__
