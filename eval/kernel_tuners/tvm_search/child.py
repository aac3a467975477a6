"""The process of TVM's own search: decides what is measured, and measures nothing.

Started by `TVMSearch` as `python -m eval.kernel_tuners.tvm_search.child FD PARENT SEED`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from eval.kernel_tuners.tvm_search.protocol import Ask, Request, Tell
from rllib_envs.child_process import run_bench
from rllib_envs.kernel_tuning.module_task import ModuleTask, Task
from rllib_envs.kernel_tuning.task import NATIVE
from rllib_envs.tvm_host import allow_torch, prepare_import


class SearchBench:
    """A search for each task that it was asked about, with one cost model."""

    def __init__(self, seed: int) -> None:
        """Imports TVM, which takes some seconds."""
        prepare_import()
        from eval.kernel_tuners.tvm_search import search
        from eval.metaschedule import cost_model

        allow_torch()
        self._library = search
        self._model = cost_model()
        self._seed = seed
        self._searches: dict[Task, search.Search] = {}

    def ready(self) -> str:
        return "ready"

    def measure(self, request: Request) -> Any:
        """The answer to any request."""
        search = self._searches.get(request.task) or self._begin(request.task)
        match request:
            case Ask(_, most):
                return search.ask(most)
            case Tell(_, told):
                return search.tell(told)

    def _begin(self, task: Task) -> Any:
        from rllib_envs.kernel_tuning.expression import module
        from rllib_envs.kernel_tuning.module_workload import module_of
        from rllib_envs.tvm_host import target

        function = module_of(task) if isinstance(task, ModuleTask) else module(task)
        compiled_for = target("" if task.target == NATIVE else task.target)
        search = self._library.Search(function, compiled_for, self._model, self._seed + len(self._searches))
        self._searches[task] = search
        return search


def main(arguments: list[str]) -> None:
    descriptor, parent, seed = arguments
    logging.disable(logging.WARNING)  # of what MetaSchedule tries and drops
    # TVM warns of each rule that it lacks, and goes on.
    run_bench(descriptor, parent, lambda: SearchBench(int(seed)), needs="TVM or XGBoost", quiet=True)


if __name__ == "__main__":
    main(sys.argv[1:])
