"""A baseline of a library: from a benchmark to an evaluation in the problem's unit."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from eval.baselines.limits import TuningLimits
from eval.baselines.process import LibraryProcess
from eval.baselines.protocol import RUN_LIMIT_ENDS, RUN_LIMIT_S, Answer, NotAvailable, Request
from rllib_envs.cores import CoreLocks
from rllib_envs.errors import TunewrightError
from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend.protocol import Measurement
from rllib_envs.loop_nest.statement import Statement
from rllib_envs.measuring_process import Lost
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.tvm_installed import missing

ANSWER_LIMIT_S = 300.0
"""For compiling, and for three runs of twenty processor seconds on a machine that is shared by several processes."""
OVERTIME_S = 120.0
"""Beyond the seconds that a search may take: for the batch that was begun in time."""


class Source(NamedTuple):
    """Where a baseline comes from."""

    library: str
    """Baselines of one library share a process."""
    needs: tuple[str, ...] = ()
    """Packages of the extra `tvm`."""
    searches: bool = False
    """Whether it uses the time that it is given for tuning."""


class LibraryBaseline:
    """Measures once a call. What was lost on a benchmark is not tried again there: it would take as long once more."""

    def __init__(
        self, name: str, source: Source, problem: LoopNest, process: LibraryProcess, limits: TuningLimits
    ) -> None:
        self.name = name
        self._source = source
        self._problem = problem
        self._process = process
        self._limits = limits
        self._limit_s = ANSWER_LIMIT_S + (limits.seconds + OVERTIME_S) * source.searches
        self._cores = CoreLocks()
        self._lost: dict[Statement, str] = {}

    def __call__(self, benchmark: Benchmark) -> Evaluation:
        statement = self._problem.initial(benchmark).statement
        trouble = missing(self._source.needs) or self._lost.get(statement, "")
        if trouble:
            return self._failed(trouble)
        try:
            with self._cores.hold() as core:
                answer = self._process.ask(Request(self.name, statement, self._limits, core), self._limit_s)
        except Lost as lost:
            too_long = f"time-out: one run took more than {RUN_LIMIT_S:g} s"
            self._lost[statement] = too_long if lost.ending == RUN_LIMIT_ENDS else str(lost)
            return self._failed(self._lost[statement])
        except NotAvailable as error:
            return self._failed(str(error))
        except TunewrightError as error:
            return self._failed(str(error).strip().splitlines()[-1])
        return self._evaluation(answer, statement)

    def _evaluation(self, answer: Answer, statement: Statement) -> Evaluation:
        """At the problem's own peak, so that all fractions are of the same."""
        measured, peak = answer.measurement, self._problem.peak()
        if measured.verified:
            fraction = measured.flop_per_cycle / peak.flop_per_cycle
            gflops = fraction * peak.gflops
            seconds = statement.flops / (gflops * 1e9)
            measured = replace(measured, gflops=gflops, fraction_of_peak=fraction, seconds=seconds)
        evaluation = self._problem.evaluation(measured)
        details = {**evaluation.details, "tuning_seconds": answer.tuning_seconds, "tuning_trials": answer.trials}
        return replace(evaluation, how=f"{answer.how}; {evaluation.how}", details=details)

    def _failed(self, error: str) -> Evaluation:
        return replace(self._problem.evaluation(Measurement.failed(error)), how="")
