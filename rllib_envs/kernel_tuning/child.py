"""The process of TVM: turns genes into kernels, verifies and times them, so that a bad one can't hurt its caller.

Started by `KernelMeasurer` as `python -m rllib_envs.kernel_tuning.child FD PARENT`. TVM is imported here alone.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from typing import Any

from rllib_envs.child_process import run_bench
from rllib_envs.cores import run_on
from rllib_envs.kernel_tuning import protocol
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import Canonical, Measure, Measured, Open, Opened, Ready, Request, WriteDatabase
from rllib_envs.loop_nest.backend.fma_peak import configured_gflops, make_timer, measure_peak
from rllib_envs.tvm_host import prepare_import

ADDRESS_SPACE_BYTES = 16 << 30
"""Limit of this process: room for LLVM and large tensors, and no way to exhaust the machine."""
KERNELS_KEPT = 64
"""Tasks that stay prepared, which takes about a second each; MobileNetV2 has 33."""
ELEMENTS_KEPT = 1 << 27
"""Of their tensors; inputs, output and its bounds take up to 28 bytes each."""


class KernelBench:
    """The tasks met last, prepared."""

    def __init__(self) -> None:
        """Imports TVM, which takes a second or two."""
        self._peak = configured_gflops() or measure_peak(make_timer()).gflops
        prepare_import()
        from rllib_envs.kernel_tuning import kernel

        self._kernel = kernel.Kernel
        self._kernels: OrderedDict[Task, kernel.Kernel] = OrderedDict()

    def ready(self) -> Ready:
        from rllib_envs.tvm_host import target, version

        return Ready(self._peak, version(), str(target()))

    def measure(self, request: Request) -> Any:
        """The answer to any request."""
        kernel = self._prepared(request.task)
        match request:
            case Open():
                return Opened(kernel.template.space, kernel.design, kernel.designs)
            case Canonical(_, genes):
                return [kernel.canonical(gene) for gene in genes]
            case WriteDatabase(_, measured, folder):
                return kernel.write_database(measured, folder)
            case Measure(_, schedule, core):
                run_on(core)
                return self._measure(kernel, schedule)

    def _measure(self, kernel: Any, schedule: protocol.Schedule | None) -> Measured:
        began = time.perf_counter()
        try:
            built, canonical = kernel.build(schedule)
        except protocol.Failed as failed:
            return Measured(failed.status, reason=str(failed), build_seconds=time.perf_counter() - began)
        ready = time.perf_counter()
        fault = kernel.bench.fault(built)
        timing = None if fault else kernel.bench.time(built)
        took = ready - began, time.perf_counter() - ready
        if timing is None:
            return Measured(protocol.WRONG, 0.0, 0.0, fault, canonical, *took)
        return Measured(protocol.OK, timing.seconds, timing.spread, "", canonical, *took)

    def _prepared(self, task: Task) -> Any:
        kernel = self._kernels.pop(task, None)
        if kernel is None:
            while self._kernels and (
                len(self._kernels) >= KERNELS_KEPT
                or sum(kept.elements for kept in (*self._kernels, task)) > ELEMENTS_KEPT
            ):
                self._kernels.popitem(last=False)
            kernel = self._kernel(task)
        self._kernels[task] = kernel
        return kernel


def main(arguments: list[str]) -> None:
    descriptor, parent = arguments
    logging.disable(logging.WARNING)  # of what MetaSchedule tries and drops
    # TVM prints the stack of a crash; the parent says what happened.
    run_bench(descriptor, parent, KernelBench, needs="TVM", address_space=ADDRESS_SPACE_BYTES, quiet=True)


if __name__ == "__main__":
    main(sys.argv[1:])
