"""TVM's own search as its user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.kernel_tuners.tvm_search.protocol import Ask, Request, Tell, Told
from rllib_envs.errors import MeasuringError, MissingPackage
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.measuring_process import Lost, MeasuringProcess
from rllib_envs.tvm_installed import missing

CHILD_MODULE = "eval.kernel_tuners.tvm_search.child"
START_LIMIT_S = 180.0
"""For importing TVM, perhaps from a cold network drive."""
ANSWER_LIMIT_S = 600.0
"""For breeding a generation, which takes seconds, on a machine that is busy."""


class TVMSearch:
    """Owns one process for all kernels of a run, which share its cost model. Started at the first use."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._child: MeasuringProcess | None = None

    def start(self) -> None:
        """Have the process import TVM now. MissingPackage without TVM and XGBoost."""
        self._running().wait()

    def ask(self, task: Task, count: int) -> list[str]:
        """At most so many traces to measure next; none at the end. See `start`."""
        traces: list[str] = self._ask(Ask(task, count))
        return traces

    def tell(self, task: Task, told: Sequence[Told]) -> None:
        """How fast they were, or what is known from before."""
        self._ask(Tell(task, tuple(told)))

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.end()
        self._child = None

    def _running(self) -> MeasuringProcess:
        if self._child is None:
            trouble = missing(("tvm", "xgboost"))
            if trouble:
                raise MissingPackage(f"TVM's own search is not possible: {trouble}")
            self._child = MeasuringProcess(CHILD_MODULE, self._seed, start_limit_s=START_LIMIT_S)
        return self._child

    def _ask(self, request: Request) -> Any:
        try:
            return self._running().ask(request, ANSWER_LIMIT_S)
        except Lost as lost:
            raise MeasuringError(f"TVM's own search was lost at {request.task.text}: {lost}; go on with it") from None
