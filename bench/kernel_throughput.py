"""Kernels that this machine compiles, verifies and times in a second, and what one that hangs costs. About a minute.

python bench/kernel_throughput.py

On random genes of a matrix product, with a process on each core. A process is stopped so that it hangs; what counts is
the time until another one has measured the next gene, beyond the limit for the one that hung and the time that a gene
takes anyway.
"""

from __future__ import annotations

import os
import signal
import time

import numpy as np
from report import Bar, report

from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.measure import DEFAULT_LIMIT_S, KernelMeasurer
from rllib_envs.kernel_tuning.task import KernelTask

TASK = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 128, "n": 128, "k": 128}})
SECONDS = 20.0
GENES_AT_ONCE = 16
LIMIT_S = DEFAULT_LIMIT_S


def kernels_per_second(workers: int | None) -> float:
    with MeasuringCrew(workers) as crew:
        space, rng = crew.open(TASK).space, np.random.default_rng(0)
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            count += len(crew.measure(TASK, [space.random(rng) for _ in range(GENES_AT_ONCE)]))
        return count / (time.perf_counter() - began)


def hang_beyond_limit() -> float:
    with KernelMeasurer(LIMIT_S) as measurer:
        gene = measurer.open(TASK).space.random(np.random.default_rng(0))
        began = time.perf_counter()
        measurer.measure(TASK, gene)
        usual = time.perf_counter() - began
        assert measurer._child is not None
        os.kill(measurer._child._process.pid, signal.SIGSTOP)
        began = time.perf_counter()
        assert measurer.measure(TASK, gene).status == "timeout"
        assert measurer.measure(TASK, gene).status == "ok"
        return time.perf_counter() - began - LIMIT_S - usual


if __name__ == "__main__":
    report(
        "kernel_throughput",
        {
            "random genes of dense 128x128x128": Bar(kernels_per_second(None), 8, "kernels/s"),
            "the same with one process": Bar(kernels_per_second(1), 4, "kernels/s"),
            "a hang, beyond its limit": Bar(hang_beyond_limit(), 2, "s", at_least=False),
        },
    )
