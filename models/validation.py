"""Which policy of a training decides best: each is tried now and then, on some of the benchmarks that it learns from.

The last policy need not be the best one. Learning goes up and down, and some trainings end badly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.policy import Policy
from rllib_envs.tuning_env import TuningEnv

BENCHMARKS = 50
"""Drawn, for the names of a suite can have any rhythm: every second one may be for another device."""
SHARE = 0.02
"""Of the time of a training, that trying its policies may take,"""
LEAST_SECONDS = 0.5
"""but for a first look, which may have to wait until something is ready that measures."""
PAUSE_SECONDS = 10.0
"""Between two looks, at least."""

RETURN = "greedy_return"
"""Where a policy's provenance has what it was found to be worth."""

Clock = Callable[[], float]
"""Seconds from an arbitrary origin."""


class Validation:
    """Keeps the policy with the highest mean return of its best actions; of equals the last."""

    def __init__(self, env: TuningEnv, clock: Clock = time.perf_counter) -> None:
        """`env` has the benchmarks that are learnt from. It remembers what it measured, so that a later look is
        quicker."""
        self._env, self._clock = env, clock
        names = [benchmark.name for benchmark in env.benchmarks]
        drawn = np.random.default_rng(0).permutation(len(names))[:BENCHMARKS]
        self._names = [names[one] for one in drawn]
        self._began = self._ended = clock()
        self._spent = 0.0
        self.best: Policy | None = None

    @property
    def best_return(self) -> float:
        """Of the best policy, in units of the benchmarks' scale."""
        return float(self.best.provenance[RETURN]) if self.best else float("-inf")

    def remember(self, policy: Policy) -> None:
        """The best one of the training so far, before this part of it."""
        if RETURN in policy.provenance:
            self.best = policy

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        now = self._clock()
        return now - self._ended >= PAUSE_SECONDS and self._spent <= SHARE * (now - self._began)

    def look(self, policy: Policy) -> float | None:
        """Its mean return. None where that takes too long: it is broken off, and a later look will get further."""
        began = self._clock()
        limit = max(LEAST_SECONDS, SHARE * (began - self._began))
        total = 0.0
        try:
            for name in self._names:
                total += self._played(policy, name)
                if self._clock() - began > limit and name != self._names[-1]:
                    return None
        finally:
            self._ended = self._clock()
            self._spent += self._ended - began
        found = total / len(self._names)
        if found >= self.best_return:
            self.best = replace(policy, provenance={**policy.provenance, RETURN: found})
        return found

    def _played(self, policy: Policy, name: str) -> float:
        """The return of its best actions on one benchmark."""
        inputs, _ = self._env.reset(options={"benchmark": name})
        player, total, over = policy.start(), 0.0, not inputs["action_mask"].any()
        while not over:
            inputs, reward, terminated, truncated, _ = self._env.step(player.act(inputs))
            total, over = total + float(reward), terminated or truncated
        return total
