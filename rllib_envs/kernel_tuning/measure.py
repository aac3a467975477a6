"""Measure kernels in a process of their own, which may crash or hang without harm."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rllib_envs.cores import LONGEST_PAUSE_S, CoreLocks
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import (
    CRASH,
    TIMEOUT,
    Canonical,
    Measure,
    Measured,
    Open,
    Opened,
    Ready,
    Schedule,
    WriteDatabase,
)
from rllib_envs.measuring_process import Lost, MeasuringProcess
from rllib_envs.tvm_installed import missing

CHILD_MODULE = "rllib_envs.kernel_tuning.child"
START_LIMIT_S = 180.0
"""For importing TVM, hundreds of megabytes, perhaps from a cold network drive."""
PREPARE_LIMIT_S = 120.0
"""For a task's design spaces and the expected output; a second or two on an idle machine."""
DECODE_LIMIT_S = 1.0
"""For a gene, on a machine that is busy; 20 ms otherwise."""
TURN_S = 2 * LONGEST_PAUSE_S
"""Between two measurements, in which others who wait for the core have their turn; a hundredth of what one takes."""
DEFAULT_LIMIT_S = 10.0
"""A candidate takes a tenth of a second, the slowest to build that were met three."""


class KernelMeasurer:
    """Owns one long-lived process with TVM: started at the first use, and replaced when a candidate has ended it.

    The next one starts when a candidate has used up half of its time, so that it is ready where the candidate hangs.
    The process runs on a core of its own for each measurement, if need be after waiting for one (`rllib_envs.cores`).
    Nothing is remembered of what was measured. Not for use by several threads at once. A copy made by pickling or by
    forking starts a process of its own.
    """

    def __init__(self, limit_s: float = DEFAULT_LIMIT_S) -> None:
        """Nothing is started yet. `limit_s` are seconds of wall time that building and running a candidate may take."""
        if not limit_s > 0:
            raise UserError(f"the limit of a candidate is {limit_s:g} s; give more than 0")
        self.limit_s = limit_s
        self._cores = CoreLocks()
        self._child: MeasuringProcess | None = None
        self._spare: MeasuringProcess | None = None
        self._prepared: set[Task] = set()
        """Those that the child has been asked to prepare."""
        self._opened: dict[Task, Opened] = {}

    def ready(self) -> Ready:
        """What the process works with. MissingPackage when there is no TVM."""
        ready: Ready = self._running_child().ready
        return ready

    def open(self, task: Task) -> Opened:
        """The task's gene space. UserError for a design space that there isn't and a target that the machine lacks."""
        if task not in self._opened:
            self._prepare(task)
        return self._opened[task]

    def measure(self, task: Task, schedule: Schedule) -> Measured:
        """Build, verify and time a gene or a trace. Whatever is wrong with it is in the answer's status.

        Raises UserError for what is no gene of the task, and MeasuringError when no process can do the work.
        """
        self._check(task, schedule)
        return self._measure(task, schedule)

    def measure_untuned(self, task: Task) -> Measured:
        """The same for what TVM makes of the operator without a schedule."""
        return self._measure(task, None)

    def _check(self, task: Task, schedule: Schedule) -> None:
        if not isinstance(schedule, str):  # what is wrong with a trace is found when it is applied
            self.open(task).space.check(schedule)

    def _measure(self, task: Task, schedule: Schedule | None) -> Measured:
        self._prepare(task)
        time.sleep(TURN_S)
        with self._cores.hold() as core:
            try:
                measured: Measured = self._running_child().ask(
                    Measure(task, schedule, core), self.limit_s, self._have_spare
                )
            except Lost as lost:
                self._start()
                return Measured(CRASH if lost.ending else TIMEOUT, reason=str(lost))
        return measured

    def canonical(self, task: Task, genes: Sequence[Gene]) -> list[Gene | None]:
        """The genes of the schedules that these stand for: TVM repairs some decisions. None where a gene is not valid.

        Takes milliseconds a gene, and builds nothing. A gene on which TVM crashes is not valid.
        """
        for gene in genes:
            self.open(task).space.check(gene)
        self._prepare(task)
        request, limit_s = Canonical(task, tuple(genes)), self.limit_s + DECODE_LIMIT_S * len(genes)
        try:
            answers: list[Gene | None] = self._running_child().ask(request, limit_s)
        except Lost:
            self._start()
            if len(genes) == 1:
                return [None]
            return [answer for gene in genes for answer in self.canonical(task, [gene])]
        return answers

    def write_database(self, task: Task, measured: Sequence[tuple[Schedule, float]], folder: Path) -> int:
        """Add schedules and their seconds to TVM's tuning records in a folder; how many were valid.

        The files are those of MetaSchedule's JSONDatabase. UserError when the folder can't be written to.
        """
        for schedule, _ in measured:
            self._check(task, schedule)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"folder {folder} can't be made: {error.strerror}") from None
        self._prepare(task)
        request = WriteDatabase(task, tuple(measured), str(folder.absolute()))
        written: int = self._running_child().ask(request, self.limit_s + DECODE_LIMIT_S * len(measured))
        return written

    def close(self) -> None:
        """End the process. The next use starts another."""
        self._end_child()
        if self._spare is not None:
            self._spare.end()
        self._spare = None

    def __enter__(self) -> KernelMeasurer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_child": None, "_spare": None, "_prepared": set()}

    def _prepare(self, task: Task) -> None:
        """Have the child prepare a task, which does not count as a candidate's time."""
        child = self._running_child()
        if task in self._prepared:
            return
        try:
            self._opened[task] = child.ask(Open(task), PREPARE_LIMIT_S)
        except Lost as lost:
            self._end_child()
            raise UserError(f"TVM can't prepare {task.text}: {lost}") from None
        self._prepared.add(task)

    def _running_child(self) -> MeasuringProcess:
        if self._child is not None and not self._child.usable():
            self._end_child()
        return self._child or self._start()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None
        self._prepared.clear()

    def _start(self) -> MeasuringProcess:
        """Replace the process by one that gets ready beside what its owner goes on to do, or is so already."""
        self._end_child()
        self._have_spare()
        self._child, self._spare = self._spare, None
        assert self._child is not None
        return self._child

    def _have_spare(self) -> None:
        """Start the process that will be the next one."""
        if self._spare is not None and self._spare.usable():
            return
        trouble = missing(("tvm",))
        if trouble:
            raise MissingPackage(f"kernel tuning needs TVM: {trouble}")
        self._spare = MeasuringProcess(CHILD_MODULE, start_limit_s=START_LIMIT_S, wait=False)
