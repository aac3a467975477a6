"""Random schedules as an agent meets them: a few random actions from the untuned nest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.state import NestState
from rllib_envs.problem import STOP, Benchmark

SIZES = range(64, 257, 16)


def matmul(m: int, n: int, k: int) -> Benchmark:
    return Benchmark(f"mm{m}_{n}_{k}", "loop_nest", {"kind": "mm", "sizes": {"m": m, "n": n, "k": k}})


def random_matmul(rng: np.random.Generator) -> Benchmark:
    """A matrix product whose dimensions are drawn from SIZES."""
    m, n, k = (int(size) for size in rng.choice(SIZES, 3))
    return matmul(m, n, k)


def random_walk(problem: LoopNest, benchmark: Benchmark, rng: np.random.Generator) -> Iterator[NestState]:
    """The states on a walk of up to `horizon` legal actions, the untuned one first."""
    state = problem.initial(benchmark)
    yield state
    for _ in range(problem.horizon):
        moves = [action for action in np.flatnonzero(problem.legal(state)) if problem.actions[action] != STOP]
        if not moves:
            return
        state = problem.apply(state, int(rng.choice(moves)))
        yield state


def random_schedule(problem: LoopNest, rng: np.random.Generator) -> NestState:
    """The end of a walk of random length on a random matrix product."""
    states = list(random_walk(problem, random_matmul(rng), rng))
    return states[rng.integers(len(states))]
