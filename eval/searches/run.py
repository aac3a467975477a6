"""Run one search on one benchmark. However it ends, it answers."""

from __future__ import annotations

import time
import zlib
from typing import Any

import numpy as np

from eval.budget import Budget
from eval.searches import Search
from eval.trial import BudgetSpent, Clock, Outcome, Trial
from rllib_envs.problem import Benchmark, Problem


def run_search(
    search: Search,
    problem: Problem[Any],
    benchmark: Benchmark,
    budget: Budget,
    *,
    seed: int = 0,
    stream: str = "",
    horizon: int | None = None,
    clock: Clock = time.perf_counter,
) -> Outcome:
    """Search within the budget. An interrupt from the keyboard ends it early, and the outcome says so.

    Random numbers depend on the seed, the benchmark's name and `stream` (a method's name, to keep methods
    independent), so a run repeats whatever ran before it.
    """
    trial = Trial(problem, benchmark, budget, horizon=horizon, clock=clock)
    return conduct(search, trial, benchmark, seed, stream)


def conduct(search: Search, trial: Trial, benchmark: Benchmark, seed: int, stream: str) -> Outcome:
    """The same in a trial that has begun."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{stream}/{benchmark.name}".encode())])
    try:
        search(trial, rng)
    except BudgetSpent:
        return trial.outcome()
    except KeyboardInterrupt:
        return trial.outcome(interrupted=True)
    return trial.outcome()
