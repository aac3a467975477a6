"""From a schedule to runnable code: how long it takes with machine code and with LLVM. Takes about 10 seconds.

python bench/loop_nest_codegen.py

Schedules are the ends of random walks on matrix products of 64 to 256. Times are processor time of one thread, planning
and the mapping into executable memory included.
"""

from __future__ import annotations

import time

import numpy as np
from helpers.random_walks import random_schedule
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend import compile_kernel
from rllib_envs.loop_nest.backend.backends import AUTO, LLVM, choose_backend
from rllib_envs.loop_nest.state import NestState

SCHEDULES = {AUTO: 2000, LLVM: 300}
WARM_UP = 20


def milliseconds(states: list[NestState], backend: str) -> np.ndarray:
    """Of each compilation, the first few left out."""
    times = []
    for state in states[:WARM_UP] + states:
        began = time.thread_time()
        assert compile_kernel(state.statement, state.loops, backend).address
        times.append(time.thread_time() - began)
    return 1e3 * np.array(times[WARM_UP:])


def main() -> None:
    rng, problem = np.random.default_rng(0), LoopNest()
    states = [random_schedule(problem, rng) for _ in range(max(SCHEDULES.values()))]
    bars = {}
    native = choose_backend()
    if native != LLVM:
        direct = milliseconds(states[: SCHEDULES[AUTO]], native)
        bars[f"machine code ({native}), median"] = Bar(float(np.median(direct)), 0.5, "ms", at_least=False)
        bars[f"machine code ({native}), 99th percentile"] = Bar(
            float(np.percentile(direct, 99)), 4, "ms", at_least=False
        )
    by_llvm = milliseconds(states[: SCHEDULES[LLVM]], LLVM)
    bars["LLVM, median"] = Bar(float(np.median(by_llvm)), 8, "ms", at_least=False)
    report("loop_nest_codegen", bars)


if __name__ == "__main__":
    main()
