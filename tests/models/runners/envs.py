"""Environments that show what a runner does to them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces

from rllib_envs.errors import IllegalAction

ACTIONS = 5


class Strict(gymnasium.Env):
    """Raises on the first illegal action. Observations count steps and name the environment, so that mix-ups show."""

    def __init__(self, config) -> None:
        self.name = 100 * config.worker_index + config.vector_index
        self.length = config.get("length", 7)
        self.observation_space = spaces.Dict(
            {"action_mask": spaces.Box(0, 1, (ACTIONS,), np.int8), "at": spaces.Box(-np.inf, np.inf, (3,), np.float64)}
        )
        self.action_space = spaces.Discrete(ACTIONS)
        self.episodes = 0

    def _observation(self):
        self.mask = (self.np_random.random(ACTIONS) < 0.4).astype(np.int8)
        self.mask[self.np_random.integers(ACTIONS)] = 1
        return {"action_mask": self.mask, "at": np.array([self.name, self.episodes, self.steps], np.float64)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episodes += 1
        self.steps = 0
        return self._observation(), {"steps": 0}

    def step(self, action):
        if not self.mask[action]:
            raise IllegalAction(f"action {action} is masked")
        self.steps += 1
        reward = float(self.np_random.random()) + 10 * action
        return self._observation(), reward, self.steps >= self.length, False, {"steps": self.steps, "pid": os.getpid()}


class Held(Strict):
    """Environment 0 waits in each step until the file `released` exists."""

    def __init__(self, config) -> None:
        super().__init__(config)
        self.released = Path(config["released"])

    def step(self, action):
        while self.name % 100 == 0 and not self.released.exists():
            time.sleep(0.001)
        return super().step(action)


class Broken(Strict):
    """Raises in its third step."""

    def step(self, action):
        if self.steps == 2:
            raise ZeroDivisionError("the dial came off")
        return super().step(action)


class Hopeless(Strict):
    """Its process ends in every first step."""

    def step(self, action):
        os._exit(7)


class Unportable(Strict):
    """Raises what can't be sent to another process."""

    def step(self, action):
        raise type("Local", (RuntimeError,), {})("nowhere to be found")
