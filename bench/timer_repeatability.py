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
from rllib_envs.loop_nest.backend import Loop, Measurer

REPEATS = 20
LOOPS = (Loop("n", 64), Loop("m", 4), Loop("k", 1), Loop("m", 1), Loop("n", 1))
SETTLE_S = 0.5


def variation(measurer: Measurer) -> tuple[float, int]:
    """Coefficient of variation of the reported fraction of peak, in percent, and how many reports were refused."""
    statement = LoopNest().initial(matmul(128, 128, 128)).statement
    measured = [measurer.measure(statement, LOOPS) for _ in range(REPEATS)]
    values = [measurement.fraction_of_peak for measurement in measured if measurement.verified]
    if len(values) < 2:
        return float("inf"), REPEATS - len(values)
    return 100 * float(np.std(values, ddof=1) / np.mean(values)), REPEATS - len(values)


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
        idle, idle_refused = variation(measurer)
        with other_cores_loaded():
            loaded, loaded_refused = variation(measurer)
    report(
        "timer_repeatability",
        {
            "coefficient of variation, idle": Bar(idle, 2, "%", at_least=False),
            "coefficient of variation, other cores loaded": Bar(loaded, 6, "%", at_least=False),
            "right results refused as implausible": Bar(
                idle_refused + loaded_refused, 0, f"of {2 * REPEATS}", at_least=False
            ),
        },
    )


if __name__ == "__main__":
    main()
