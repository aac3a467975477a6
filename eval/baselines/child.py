"""The process of one library: prepares, verifies and times what it makes of statements.

Started by `LibraryProcess` as `python -m eval.baselines.child FD PARENT LIBRARY`. Everything is timed by the bench of
loop nests: by the same timer, on the same inputs and with the same checks as our own schedules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Library, Prepared
from eval.baselines.protocol import RUN_LIMIT_S, Answer, Request
from rllib_envs.child_process import run_bench
from rllib_envs.cores import run_on
from rllib_envs.loop_nest.backend.child import MeasuringBench
from rllib_envs.loop_nest.backend.protocol import Ready
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.statement import Statement

ADDRESS_SPACE_BYTES = 16 << 30
"""Limit of this process: room for a library, and no way to exhaust the machine."""
BUDGET_S = 1e-3
"""Of repeated sampling, as for our own schedules."""


def _torch(bench: MeasuringBench) -> Library:
    from eval.baselines.torch_kernels import load

    return load(bench)


def _tvm(bench: MeasuringBench) -> Library:
    from eval.baselines.tvm.library import load

    return load(bench)


def _loop_tool(bench: MeasuringBench) -> Library:
    from eval.baselines.loop_tool_cpp import load

    return load(bench)


LIBRARIES: Mapping[str, Callable[[MeasuringBench], Library]] = {"torch": _torch, "tvm": _tvm, "loop_tool": _loop_tool}


class LibraryBench:
    """Keeps what it has prepared for the statement that it was asked about last, since that is measured in rounds."""

    def __init__(self, library: str) -> None:
        self._bench = MeasuringBench(RUN_LIMIT_S, BUDGET_S)
        self._library = LIBRARIES[library](self._bench)
        self._statement: Statement | None = None
        self._kept: dict[tuple[str, TuningLimits], tuple[Workload, Prepared]] = {}

    def ready(self) -> Ready:
        return self._bench.ready()

    def measure(self, request: Request) -> Answer:
        run_on(request.core)
        if request.statement != self._statement:
            self._kept.clear()
            self._statement = request.statement
        key = request.baseline, request.limits
        if key not in self._kept:
            workload = self._bench.workload(request.statement)
            self._kept[key] = workload, self._library[request.baseline](workload, request.limits)
        workload, prepared = self._kept[key]
        measurement = self._bench.verify_and_time(prepared.call, workload)
        return Answer(measurement, prepared.how, prepared.tuning_seconds, prepared.trials)


def main(arguments: list[str]) -> None:
    descriptor, parent, library = arguments
    run_bench(descriptor, parent, lambda: LibraryBench(library), needs=library, address_space=ADDRESS_SPACE_BYTES)


if __name__ == "__main__":
    main(sys.argv[1:])
