"""The process of TVM's own search: decides what is measured, and measures nothing.

Started by `TVMSearch` as `python -m eval.kernel_tuners.tvm_search.child FD PARENT SEED`.
"""

from __future__ import annotations

import logging
import os
import sys
from multiprocessing.connection import Connection
from typing import Any

from eval.kernel_tuners.tvm_search.protocol import Ask, Request, Tell
from rllib_envs.child_process import die_with_parent, serve
from rllib_envs.errors import MissingPackage, TunewrightError
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
    die_with_parent(int(parent))
    logging.disable(logging.WARNING)  # of what MetaSchedule tries and drops
    with Connection(int(descriptor)) as connection:
        try:
            bench = SearchBench(int(seed))
        except TunewrightError as error:
            connection.send(error)
            return
        except ImportError as error:
            connection.send(MissingPackage(f"TVM or XGBoost can't be imported: {error}"))
            return
        connection.send("ready")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TVM warns of each rule that it lacks, and goes on
        serve(connection, bench)


if __name__ == "__main__":
    main(sys.argv[1:])
