"""Measure candidates in a process of their own, which may crash or hang without harm."""

from __future__ import annotations

import signal
from dataclasses import replace
from types import TracebackType
from typing import Any

from rllib_envs.cores import CoreLocks
from rllib_envs.loop_nest.backend.backends import AUTO, BACKENDS
from rllib_envs.loop_nest.backend.fma_peak import Peak, configured_gflops
from rllib_envs.loop_nest.backend.loops import Schedule, check_loops
from rllib_envs.loop_nest.backend.protocol import Measurement, Ready, Request
from rllib_envs.loop_nest.statement import Statement
from rllib_envs.measuring_process import Lost, MeasuringProcess
from rllib_envs.names import choose

CHILD_MODULE = "rllib_envs.loop_nest.backend.child"
PREPARE_LIMIT_S = 30.0
"""For computing the expected results of a statement that was not measured just before."""
RUNS_WITHIN_LIMIT = 3
"""Runs that each may take the run limit: two verified ones, and the timing."""
WALL_PER_PROCESSOR_SECOND = 3.0
"""On a machine that is shared by as many busy processes for each core."""
GRACE_S = 1.0
RUN_LIMIT_SIGNAL = signal.SIGPROF
"""What ends the process when the interval timer of processor time, ITIMER_PROF, expires in a run."""


class Measurer:
    """Owns one long-lived measuring process: started at the first use, and again when a candidate has killed it.

    It runs on a core of its own for each measurement, if need be after waiting for one: see `cores`.
    Not for use by several threads at once. A copy made by pickling or by forking starts a process of its own.
    """

    def __init__(
        self,
        *,
        run_limit_s: float = 2.0,
        budget_s: float = 1e-3,
        peak_gflops: float | None = None,
        backend: str = AUTO,
    ) -> None:
        """Choose the limits; nothing is started yet.

        Args:
            run_limit_s: processor seconds that one run of a candidate may take.
            budget_s: seconds of repeated sampling for a candidate; its verification comes on top.
            peak_gflops: GFLOPS that a fraction of peak of 1 stands for. Default: the environment variable
                MAX_GFLOPS, or what the measuring process finds when it starts.
            backend: what compiles the schedules: "avx512", "avx2" or "llvm"; "auto" takes the first that works here.
        """
        self.run_limit_s = run_limit_s
        self.budget_s = budget_s
        self.peak_gflops = peak_gflops or configured_gflops()
        self.backend = choose(backend, BACKENDS, "loop-nest backend")
        self._cores = CoreLocks()
        self._child: MeasuringProcess | None = None
        self._last_statement: Statement | None = None

    def measure(self, statement: Statement, loops: Schedule) -> Measurement:
        """Compile, verify and time a schedule.

        Whatever is wrong with the candidate itself is reported in `Measurement.error`. Raises UserError for a
        schedule that is not legal, UnsupportedProcessor, and MeasuringError when no measuring process can do
        the work.
        """
        check_loops(statement, loops)
        return self._measure(Request(statement, loops))

    def measure_numpy(self, statement: Statement) -> Measurement:
        """What numpy reaches on the same statement in one thread, verified and timed by the same protocol."""
        return self._measure(Request(statement, None))

    def _measure(self, request: Request) -> Measurement:
        with self._cores.hold() as core:
            return self._ask_child(request._replace(core=core))

    def _ask_child(self, request: Request) -> Measurement:
        child = self._running_child()
        limit_s = GRACE_S + RUNS_WITHIN_LIMIT * WALL_PER_PROCESSOR_SECOND * self.run_limit_s
        if request.statement != self._last_statement:
            limit_s += PREPARE_LIMIT_S
        self._last_statement = request.statement
        try:
            reply = child.ask(request, limit_s)
        except Lost as lost:
            self.close()
            if lost.ending == RUN_LIMIT_SIGNAL.name:
                return Measurement.failed(f"time-out: one run took more than {self.run_limit_s:g} s")
            return Measurement.failed(str(lost))
        return self._at_configured_peak(request.statement, reply)

    def peak(self) -> Peak:
        """The peak that fractions of peak refer to."""
        measured = self.ready().peak
        return measured._replace(gflops=self.peak_gflops or measured.gflops)

    def ready(self) -> Ready:
        """What the measuring process works with: the backend and timer chosen, and the peak as measured."""
        ready: Ready = self._running_child().ready
        return ready

    def close(self) -> None:
        """End the measuring process. The next measurement starts another."""
        if self._child is not None:
            self._child.end()
        self._child = None
        self._last_statement = None

    def __enter__(self) -> Measurer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None, "_last_statement": None}

    def _running_child(self) -> MeasuringProcess:
        if self._child is not None and not self._child.usable():
            self.close()
        if self._child is None:
            self._child = MeasuringProcess(CHILD_MODULE, self.run_limit_s, self.budget_s, self.backend)
        return self._child

    def _at_configured_peak(self, statement: Statement, measurement: Measurement) -> Measurement:
        if self.peak_gflops is None or not measurement.verified:
            return measurement
        gflops = measurement.fraction_of_peak * self.peak_gflops
        return replace(measurement, gflops=gflops, seconds=statement.flops / (gflops * 1e9))
