"""A crew that measures formulas in the place of kernels: a tuning of seconds becomes one of milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.protocol import BUILD_ERROR, OK, Measured
from rllib_envs.kernel_tuning.synthetic import TASKS, SyntheticTask

FORMULAS = {task.name: task for task in TASKS}
UNTUNED_S = 1.0
"""Of each kernel without a schedule, whose work is such that the slowest schedules are slower than that."""


def task_of(formula: SyntheticTask) -> ModuleTask:
    return ModuleTask(formula.name, formula.name, ((1,),))


class SyntheticCrew:
    """What `Tuning` uses of a MeasuringCrew."""

    limit_s = 10.0

    def __init__(self) -> None:
        self.measured: list[tuple[str, Gene]] = []
        self.written: list[tuple[str, float]] = []
        """Kernels and seconds that went to the tuning records."""
        self.stop_after = 10**9
        """Interrupt it at that many measurements, as Ctrl-C does."""

    def open(self, task: ModuleTask) -> SimpleNamespace:
        return SimpleNamespace(space=self.space(task))

    def space(self, task: ModuleTask) -> GeneSpace:
        return FORMULAS[task.name].space

    def measure(self, task: ModuleTask, schedules: Sequence[Gene]) -> list[Measured]:
        if len(self.measured) >= self.stop_after:
            raise KeyboardInterrupt
        self.measured += [(task.name, gene) for gene in schedules]
        return [self._measured(FORMULAS[task.name].score(gene)) for gene in schedules]

    def measure_untuned(self, tasks: Sequence[ModuleTask]) -> list[Measured]:
        return [Measured(OK, UNTUNED_S) for _ in tasks]

    def write_database(self, task: ModuleTask, measured: Sequence[tuple[Gene, float]], folder: Path) -> int:
        self.written += [(task.name, seconds) for _, seconds in measured]
        return len(measured)

    def _measured(self, speed: float) -> Measured:
        return Measured(OK, 10.0 / speed) if speed else Measured(BUILD_ERROR, reason="too large a body")
