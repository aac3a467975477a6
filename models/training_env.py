"""The environment as a learner meets it: a horizon that the policy can see is an end like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

import gymnasium
import numpy as np

from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.problem import PolicyInput, Problem
from rllib_envs.records import RecordStore
from rllib_envs.registry import make_problem
from rllib_envs.tuning_env import TuningEnv

_in_use: WeakValueDictionary[str, EvaluationCache[Any]] = WeakValueDictionary()
"""Of this process, by training session; gone with the last environment that uses it."""


def shared_cache(config: Mapping[str, Any]) -> EvaluationCache[Any]:
    """One problem and one memory for all environments of a worker: none measures what another one has measured.

    A problem that measures in a process of its own then has one of them for each worker, too. What other workers and
    earlier sessions have measured comes from the file `records`.
    """
    cache = _in_use.get(config["session"])
    if cache is None:
        problem = make_problem(config["problem"], config.get("problem_config"))
        cache = _in_use[config["session"]] = recording_cache(problem, config)
    return cache


def recording_cache(problem: Problem[Any], config: Mapping[str, Any]) -> EvaluationCache[Any]:
    """With the records of the training, where it has any."""
    records = None
    if config.get("records"):
        records = RecordStore(config["records"], measure_doubtful=config.get("measure_doubtful", False))
    return EvaluationCache(problem, records=records)


class TrainingEnv(gymnasium.Wrapper[PolicyInput, int, PolicyInput, int]):
    """TuningEnv whose horizon terminates instead of truncating, and whose last info carries the episode's return.

    A truncated episode's last state is worth what its value estimate says, and no state beyond the horizon is ever
    played, so that estimate would never be trained. Nothing can be won there; termination says just that.
    (Pardo et al., 2018, "Time Limits in Reinforcement Learning", section 2.)
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Build from plain data.

        Keys: those of `TuningEnv.from_config`; `session`, any name of it; and, where evaluations are to be recorded,
        `records` and `measure_doubtful`, the arguments of `RecordStore`. `start` is the number of steps that were
        played before a restart, so that what follows does not repeat them.
        """
        super().__init__(TuningEnv.from_config(config, shared_cache(config)))
        self._worker = getattr(config, "worker_index", 0)
        self._start = config.get("start", 0)
        self._return = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PolicyInput, dict[str, Any]]:
        self._return = 0.0
        if seed is not None:
            # RLlib counts seeds up over workers and over each worker's environments, so neighbours would share one.
            seed = int(np.random.SeedSequence([seed, self._worker, self._start]).generate_state(1)[0])
        return self.env.reset(seed=seed, options=options)

    def step(self, action: int) -> tuple[PolicyInput, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._return += float(reward)
        return (
            observation,
            float(reward),
            terminated or truncated,
            False,
            info | {"episode_return": self._return},
        )
