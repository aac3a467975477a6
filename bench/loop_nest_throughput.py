"""Schedules that one core compiles, verifies and times in a second, each once. Takes about 25 seconds.

python bench/loop_nest_throughput.py

On random walks, so slow schedules weigh as they do early in training. Isolation is included: every candidate goes to
the measuring process and back.
"""

from __future__ import annotations

import time

import numpy as np
from helpers.random_walks import matmul, random_walk
from report import Bar, report

from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.loop_nest import LoopNest

SECONDS = 10.0
GOALS = {64: 250, 128: 100}


def evaluations_per_second(size: int) -> float:
    problem, rng, benchmark = LoopNest(), np.random.default_rng(0), matmul(size, size, size)
    problem.evaluate(problem.initial(benchmark))  # starts the measuring process
    evaluate = EvaluationCache(problem)
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for state in random_walk(problem, benchmark, rng):
            evaluate(state)
    rate = evaluate.misses / (time.perf_counter() - began)
    problem.close()
    return rate


if __name__ == "__main__":
    report(
        "loop_nest_throughput",
        {
            f"random walks on {size}x{size}x{size}": Bar(evaluations_per_second(size), goal, "evaluations/s")
            for size, goal in GOALS.items()
        },
    )
