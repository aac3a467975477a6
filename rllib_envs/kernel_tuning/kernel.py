"""A task, prepared: its function, its genes, and the tensors to run on. For the process of TVM alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tvm
from tvm.s_tir.transform import RemoveWeightLayoutRewriteBlock

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.database import add_records
from rllib_envs.kernel_tuning.expression import FUNCTION, module
from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.module_task import ModuleTask, Task
from rllib_envs.kernel_tuning.module_workload import module_of, module_workload
from rllib_envs.kernel_tuning.protocol import BUILD_ERROR, INVALID, Failed, Schedule
from rllib_envs.kernel_tuning.task import NATIVE
from rllib_envs.kernel_tuning.template import InvalidGene, in_one_line, richest, templates
from rllib_envs.kernel_tuning.timing import Bench
from rllib_envs.kernel_tuning.trace_text import traced
from rllib_envs.kernel_tuning.workload import make_workload
from rllib_envs.tvm_host import target


class Kernel:
    """Raises UserError for a target that the machine lacks, a design space that there isn't, and a function that can't
    be verified."""

    def __init__(self, task: Task) -> None:
        self._target = target("" if task.target == NATIVE else task.target)
        function = module_of(task) if isinstance(task, ModuleTask) else module(task)
        found = templates(function, self._target, task.factors)
        self.designs = len(found)
        if task.design is not None and task.design >= self.designs:
            raise UserError(f"design is {task.design}; this kernel has the design spaces 0 to {self.designs - 1}")
        self.design = richest(found) if task.design is None else task.design
        self.template = found[self.design]
        self.bench = Bench(module_workload(task, self._target) if isinstance(task, ModuleTask) else make_workload(task))

    def canonical(self, gene: Gene) -> Gene | None:
        """None where the gene is not valid."""
        try:
            return self.template.canonical(gene)
        except InvalidGene:
            return None

    def build(self, given: Schedule | None) -> tuple[Any, Gene | None]:
        """The kernel as a module that can be run, and the canonical gene, where it has one. Without a schedule, TVM
        compiles the function as it is written.

        Raises Failed.
        """
        scheduled, canonical = self.template.module, None
        if given is not None:
            try:
                schedule = self._scheduled(given)
                scheduled = schedule.mod
                canonical = None if isinstance(given, str) else self.template.encode(schedule.trace)
            except InvalidGene as error:
                raise Failed(INVALID, str(error)) from None
        try:  # the steps of MetaSchedule's own builder
            cleaned = RemoveWeightLayoutRewriteBlock(skip_tensor_rewrite=True)(scheduled)
            built = tvm.compile(cleaned, target=self._target).jit()
            built[FUNCTION]
            return built, canonical
        except Exception as error:  # whatever passes and LLVM raise
            raise Failed(BUILD_ERROR, in_one_line(error)) from None

    def write_database(self, measured: Sequence[tuple[Schedule, float]], folder: str) -> int:
        """The number of records added; schedules that are not valid are left out."""
        traces = []
        for given, seconds in measured:
            try:
                traces.append((self._scheduled(given).trace, seconds))
            except InvalidGene:
                continue
        add_records(self.template.module, self._target, traces, folder)
        return len(traces)

    def _scheduled(self, given: Schedule) -> Any:
        """Raises InvalidGene."""
        return traced(self.template.module, given) if isinstance(given, str) else self.template.schedule(given)
