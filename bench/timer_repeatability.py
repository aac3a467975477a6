"""How well a measurement repeats, on an idle machine and on a busy one. Takes about 2 seconds.

python bench/timer_repeatability.py

The bars suppose that nothing else runs. The load is one endless loop for each core but the one that measures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from helpers.random_walks import matmul
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend import Loop, Measurement, Measurer

REPEATS = 20
LOOPS = (Loop("n", 64), Loop("m", 4), Loop("k", 1), Loop("m", 1), Loop("n", 1))
SETTLE_S = 0.5


def measured(measurer: Measurer) -> list[Measurement]:
    statement = LoopNest().initial(matmul(128, 128, 128)).statement
    return [measurer.measure(statement, LOOPS) for _ in range(REPEATS)]


def variation(reports: list[Measurement]) -> float:
    """Coefficient of variation of the reported fraction of peak, in percent."""
    values = [report.fraction_of_peak for report in reports if report.verified]
    return 100 * float(np.std(values, ddof=1) / np.mean(values)) if len(values) > 1 else float("inf")


def describe(name: str, reports: list[Measurement]) -> None:
    """What the timer itself says of its reports."""
    sure = [report for report in reports if report.samples]
    print(f"{name}: {len(sure)} of {len(reports)} reports are undisturbed; these vary by {variation(sure):.2f} %")


@contextmanager
def other_cores_loaded() -> Iterator[None]:
    cores = len(os.sched_getaffinity(0))
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(max(1, cores - 1))]
    try:
        time.sleep(SETTLE_S)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main() -> None:
    with Measurer() as measurer:
        idle = measured(measurer)
        with other_cores_loaded():
            loaded = measured(measurer)
    describe("idle", idle)
    describe("other cores loaded", loaded)
    refused = sum(not report.verified for report in (*idle, *loaded))
    report(
        "timer_repeatability",
        {
            "coefficient of variation, idle": Bar(variation(idle), 2, "%", at_least=False),
            "coefficient of variation, other cores loaded": Bar(variation(loaded), 6, "%", at_least=False),
            "right results refused as implausible": Bar(refused, 0, f"of {2 * REPEATS}", at_least=False),
        },
    )


if __name__ == "__main__":
    main()
