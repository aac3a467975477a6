"""Verify and time a built kernel. For the process of TVM alone.

A window of a millisecond fits between two interruptions by the scheduler, and the fastest of ten met none: on a noisy
virtual machine that repeats within a few percent, where TVM's own windows of 100 ms don't within tens.
"""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

import numpy as np
import tvm

from rllib_envs.kernel_tuning.expression import FUNCTION
from rllib_envs.kernel_tuning.template import in_one_line
from rllib_envs.kernel_tuning.timing_protocol import CUT_OFF_S, PILOT_RUNS, WINDOW_S, WINDOWS
from rllib_envs.kernel_tuning.workload import Workload


class Timing(NamedTuple):
    seconds: float
    """The fastest window, for one run."""
    spread: float
    """How much slower than that the median is, as a share."""


class Bench:
    """The tensors of a workload, on which kernels run."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._untouched = np.full(workload.expected.shape, np.nan, np.float32)
        self._inputs = [tvm.runtime.tensor(values) for values in workload.inputs]
        self._output = tvm.runtime.tensor(self._untouched)

    def fault(self, kernel: Any) -> str:
        """What is wrong with a kernel's output; empty where nothing is. The kernel is run once."""
        self._output.copyfrom(self._untouched)
        try:
            kernel[FUNCTION](*self._inputs, self._output)
        except Exception as error:  # what the compiled code checks, as TVM raises it
            return f"it raises {in_one_line(error)}"
        return self._workload.fault(self._output.numpy())

    def time(self, kernel: Any) -> Timing:
        """A kernel that was found to be right."""
        pilot = self._windows(kernel, 1, PILOT_RUNS)
        if min(pilot) > CUT_OFF_S:
            return _timing(pilot)
        return _timing(self._windows(kernel, max(1, round(WINDOW_S / max(min(pilot), 1e-9))), WINDOWS))

    def _windows(self, kernel: Any, runs: int, windows: int) -> list[float]:
        """Seconds of one run in each window of so many."""
        evaluator = kernel.time_evaluator(FUNCTION, tvm.cpu(), number=runs, repeat=windows, min_repeat_ms=0)
        return [float(seconds) for seconds in evaluator(*self._inputs, self._output).results]


def _timing(windows: list[float]) -> Timing:
    fastest = min(windows)
    return Timing(fastest, statistics.median(windows) / fastest - 1)
