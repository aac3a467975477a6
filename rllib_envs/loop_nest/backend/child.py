"""The measuring process: compiles, verifies and times candidates, so that a bad one can't hurt its caller.

Started by `Measurer` as `python -m rllib_envs.loop_nest.backend.child FD PARENT RUN_LIMIT_S BUDGET_S BACKEND`.
"""

from __future__ import annotations

import ctypes
import math
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from rllib_envs.child_process import run_bench
from rllib_envs.cores import run_on
from rllib_envs.loop_nest.backend.backends import AUTO, choose_backend
from rllib_envs.loop_nest.backend.fma_peak import Peak, make_timer, measure_peak
from rllib_envs.loop_nest.backend.kernel import compile_kernel
from rllib_envs.loop_nest.backend.numpy_run import numpy_run
from rllib_envs.loop_nest.backend.protocol import Measurement, Ready, Request
from rllib_envs.loop_nest.backend.timer import Sample, Timer
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.statement import MAX_TENSORS, Statement

ADDRESS_SPACE_BYTES = 8 << 30
"""Limit of this process: room for statements of hundreds of megabytes, and no way to exhaust the machine."""
WORKLOADS_KEPT = 4
ELEMENTS_KEPT = 1 << 24
"""Tensor elements of all workloads; with inputs and the bounds of results each takes up to 28 bytes."""
HIGHEST_PLAUSIBLE_FRACTION = 1.05
"""Of peak. The peak repeats within half a percent, so anything above is a fault of the measurement."""
CALL_BACK = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * MAX_TENSORS)


class Call(NamedTuple):
    """How code is called that computes a statement on the tensors of its workload."""

    address: int
    """Of code in C's calling convention."""
    arguments: tuple[int, ...]
    """Up to MAX_TENSORS pointers or integers."""
    extra_cycles: float = 0.0
    """Of a call, that are not the code's own."""
    finish: Callable[[], object] = lambda: None
    """Brings the results to C where the code leaves them elsewhere. Not timed."""
    kept: object = None
    """What must live as long as the code."""


class MeasuringBench:
    """Timer, peak and the workloads of the statements met last."""

    def __init__(self, run_limit_s: float, budget_s: float, backend: str = AUTO, timer: Timer | None = None) -> None:
        self.backend = choose_backend(backend)
        self._run_limit_s = run_limit_s
        self._budget_s = budget_s
        self._timer = timer or make_timer()
        self._workloads: OrderedDict[Statement, Workload] = OrderedDict()
        self._call_back_cycles = math.inf
        """Of a call back that does nothing: the fewest so far, because what disturbs one makes it longer."""
        self.peak: Peak = measure_peak(self._timer, self.backend)

    def ready(self) -> Ready:
        return Ready(self.backend, self._timer.source, self.peak)

    def measure(self, request: Request) -> Measurement:
        """Verify a candidate, and time it if it is right. GFLOPS refer to the measured peak."""
        statement, loops, core = request
        run_on(core)
        workload = self.workload(statement)
        if loops is None:
            return self._measure_numpy(workload)
        kernel = compile_kernel(statement, loops, self.backend)
        return self.verify_and_time(Call(kernel.address, workload.addresses, kept=kernel), workload)

    def _measure_numpy(self, workload: Workload) -> Measurement:
        """The same for numpy."""
        return self.verify_and_time(self.call_back(numpy_run(workload.statement, *workload.tensors)), workload)

    def call_back(self, run: Callable[[], object]) -> Call:
        """Call a function of Python from the timer's code; the call back is not counted, what the function does is."""

        def call(*_: object) -> None:
            run()

        candidate, nothing = CALL_BACK(call), CALL_BACK(lambda *_: None)
        cycles = self._timer.time(_address(nothing), (), self._budget_s).cycles
        self._call_back_cycles = min(self._call_back_cycles, cycles)
        return Call(_address(candidate), (), self._call_back_cycles, kept=candidate)

    def verify_and_time(self, call: Call, workload: Workload) -> Measurement:
        """Run code on each input set of a workload, and time it if its results are right."""
        samples: list[Sample] = []

        def run() -> None:
            samples.append(self._run_once(call))
            call.finish()

        error = workload.verify(run)
        if error:
            return Measurement.failed(error)
        best = min(samples, key=lambda sample: (not sample.clean, sample.cycles))
        timing = self._timer.time(call.address, call.arguments, self._budget_s, best)
        flops = workload.statement.flops
        flop_per_cycle = flops / max(timing.cycles - call.extra_cycles, 1.0)
        fraction = self._fraction_of_peak(flop_per_cycle)
        if fraction > HIGHEST_PLAUSIBLE_FRACTION:
            return Measurement.failed(f"implausible: {fraction:.2f} of peak, from {timing.samples} samples")
        gflops = fraction * self.peak.gflops
        seconds = flops / (gflops * 1e9)
        return Measurement(gflops, fraction, flop_per_cycle, seconds, timing.samples, "", timing.variation)

    def _fraction_of_peak(self, flop_per_cycle: float) -> float:
        """Where that is implausible, others may have disturbed the measurement of the peak, which is then repeated.

        The clock stays the first one, so that GFLOPS mean the same before and after.
        """
        if flop_per_cycle > HIGHEST_PLAUSIBLE_FRACTION * self.peak.flop_per_cycle:
            higher = max(measure_peak(self._timer, self.backend).flop_per_cycle, self.peak.flop_per_cycle)
            self.peak = Peak(self.peak.gflops / self.peak.flop_per_cycle * higher, higher)
        return flop_per_cycle / self.peak.flop_per_cycle

    def cycles(self, call: Call) -> float:
        """Core cycles of a call, whose results don't matter."""
        return self._timer.time(call.address, call.arguments, self._budget_s, self._run_once(call)).cycles

    def workload(self, statement: Statement) -> Workload:
        """The tensors of a statement: those made before, or new ones in place of the ones unused for longest."""
        workload = self._workloads.pop(statement, None)
        if workload is None:
            while self._workloads and (
                len(self._workloads) >= WORKLOADS_KEPT
                or sum(sum(kept.elements) for kept in (*self._workloads, statement)) > ELEMENTS_KEPT
            ):
                self._workloads.popitem(last=False)
            workload = Workload(statement)
        self._workloads[statement] = workload
        return workload

    def _run_once(self, call: Call) -> Sample:
        """One run, which the kernel timer of the system ends by killing this process if it exceeds the limit.

        The limit is on processor time, because on a busy machine wall time says nothing about the candidate.
        """
        signal.setitimer(signal.ITIMER_PROF, self._run_limit_s)
        sample = self._timer.sample(call.address, call.arguments, 1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        return sample


def _address(function: ctypes._CFunctionType) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def main(arguments: list[str]) -> None:
    descriptor, parent, run_limit_s, budget_s, backend = arguments
    run_bench(
        descriptor,
        parent,
        lambda: MeasuringBench(float(run_limit_s), float(budget_s), backend),
        address_space=ADDRESS_SPACE_BYTES,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
