"""An environment runner that follows, on each benchmark, the best of many episodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.decisions import drawn
from models.forward import TorchForward
from models.runners.outcomes import Started
from models.runners.pool_runner import PoolEnvRunner
from models.self_improvement.best_of import best_of
from models.training_env import shared_cache
from rllib_envs.problem import PolicyInput
from rllib_envs.suite import Suite

PLANNED = "planned"
"""A module's extra output: 1 where the action is one of the best episode's, 0 where the module chose it."""


class BestOfRunner(PoolEnvRunner):
    """Plans each episode by sampling many, beside the environment, and plays the best of them in it.

    What it reports, steps and returns, is of the best episodes. Where one ends before the environment does, at a state
    that none went beyond, the module plays on.
    """

    def make_env(self) -> None:
        super().make_env()
        settings: Any = self.config
        config, self._episodes = settings.env_config, settings.episodes_together
        self._evaluate = shared_cache(config)
        self._benchmarks = {benchmark.name: benchmark for benchmark in Suite.select(config).benchmarks}
        self._horizon = config.get("horizon") or self._evaluate.problem.horizon
        self._plans: dict[int, list[int]] = {}
        """What is still to be done of the best episode, by environment."""

    def _started(self, index: int, outcome: Started) -> None:
        super()._started(index, outcome)
        self._plans[index] = self._plan(outcome.info["benchmark"])

    def _plan(self, benchmark: str) -> list[int]:
        forward, rng = TorchForward(self.module.network), np.random.default_rng(np.random.randint(2**31))

        def choose(inputs: PolicyInput) -> np.ndarray:
            return drawn(forward.scores(inputs, None)[0], rng)

        return list(best_of(self._evaluate, self._benchmarks[benchmark], self._episodes, choose, self._horizon))

    def _act(self, explore: bool, random_actions: bool, steps: int) -> None:
        planned = [index for index in self._waiting if self._plans[index]] if explore else []
        self._waiting = [index for index in self._waiting if index not in planned]
        for index in planned:
            super()._send(index, self._plans[index].pop(0), {PLANNED: 1.0})
        if self._waiting:
            super()._act(explore, random_actions, steps)

    def _send(self, index: int, action: int, extra: dict[str, Any]) -> None:
        super()._send(index, action, {PLANNED: 0.0})  # what else was returned is for other learners
