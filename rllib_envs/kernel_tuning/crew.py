"""Measure many genes at once, on all cores of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from rllib_envs.cores import physical_cores
from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.measure import DEFAULT_LIMIT_S, KernelMeasurer
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import Measured, Opened, Ready, Schedule


class MeasuringCrew:
    """Processes with TVM, one for each physical core; each works on a core of its own, so none disturbs another.

    Most of a candidate's time is the compiler's, so two cores measure almost twice as many. For use by one thread.
    """

    def __init__(self, workers: int | None = None, limit_s: float = DEFAULT_LIMIT_S) -> None:
        """Nothing is started yet. `workers` as many as there are cores, where not given."""
        self.workers = workers or len(physical_cores())
        self.limit_s = limit_s
        self._measurers = [KernelMeasurer(limit_s) for _ in range(self.workers)]
        self._idle: SimpleQueue[KernelMeasurer] = SimpleQueue()
        for measurer in self._measurers:
            self._idle.put(measurer)
        # These threads live as long as the crew: Linux ends a process with the thread that started it.
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="measuring")

    def ready(self) -> Ready:
        """See `KernelMeasurer.ready`."""
        return self._threads.submit(self._measurers[0].ready).result()

    def open(self, task: Task) -> Opened:
        """See `KernelMeasurer.open`. Has every worker start and prepare the task."""
        opened: list[Opened] = list(self._threads.map(lambda measurer: measurer.open(task), self._measurers))
        return opened[0]

    def measure(self, task: Task, schedules: Sequence[Schedule]) -> list[Measured]:
        """See `KernelMeasurer.measure`; in the order of the schedules."""
        return list(self._threads.map(lambda schedule: self._measure(task, schedule), schedules))

    def measure_untuned(self, tasks: Sequence[Task]) -> list[Measured]:
        """See `KernelMeasurer.measure_untuned`; in the order of the tasks."""
        return list(self._threads.map(lambda task: self._measure(task, None), tasks))

    def _measure(self, task: Task, schedule: Schedule | None) -> Measured:
        measurer = self._idle.get()
        try:
            return measurer.measure_untuned(task) if schedule is None else measurer.measure(task, schedule)
        finally:
            self._idle.put(measurer)

    def canonical(self, task: Task, genes: Sequence[Gene]) -> list[Gene | None]:
        """See `KernelMeasurer.canonical`."""
        return self._threads.submit(self._measurers[0].canonical, task, genes).result()

    def write_database(self, task: Task, measured: Sequence[tuple[Schedule, float]], folder: Path) -> int:
        """See `KernelMeasurer.write_database`."""
        return self._threads.submit(self._measurers[0].write_database, task, measured, folder).result()

    def close(self) -> None:
        """End the processes, when what they are at is done."""
        self._threads.shutdown(cancel_futures=True)
        for measurer in self._measurers:
            measurer.close()

    def __enter__(self) -> MeasuringCrew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
