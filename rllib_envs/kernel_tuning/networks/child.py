"""The process of networks: imports them from PyTorch into TVM, names their kernels, and runs them whole.

Started by `NetworkProcess` as `python -m rllib_envs.kernel_tuning.networks.child FD PARENT TARGET`. PyTorch and TVM
meet here alone: kernels are built and timed in processes that have TVM only.
"""

from __future__ import annotations

import logging
import statistics
import sys
from functools import cache
from typing import Any

from rllib_envs.child_process import run_bench
from rllib_envs.cores import run_on
from rllib_envs.kernel_tuning.networks.protocol import (
    TORCH,
    Extract,
    Extracted,
    Latency,
    LeftOut,
    NetworkTask,
    Ready,
    Request,
    Timed,
)
from rllib_envs.kernel_tuning.task import NATIVE
from rllib_envs.tvm_host import allow_torch, prepare_import


class NetworkBench:
    """Networks, imported once, and what was made ready to run of them."""

    def __init__(self, processor: str) -> None:
        """Imports PyTorch and TVM, which takes some seconds."""
        prepare_import()
        allow_torch()
        import torch

        from rllib_envs.kernel_tuning.networks import build, execution, extraction, relax_module
        from rllib_envs.tvm_host import target, version

        self._execution = execution
        self._target = target("" if processor == NATIVE else processor)
        self._ready = Ready(version(), torch.__version__)
        self._network = cache(build.build)
        self._module = cache(lambda name: relax_module.imported(self._network(name), f"network {name!r}"))
        self._runner = cache(self._make_runner)
        self._extracted = extraction.extracted

    def ready(self) -> Ready:
        return self._ready

    def measure(self, request: Request) -> Any:
        """The answer to any request."""
        match request:
            case Extract(name):
                found = list(self._extracted(self._module(name), self._target))
                return Extracted(
                    tuple(one for one in found if isinstance(one, NetworkTask)),
                    tuple(one for one in found if isinstance(one, LeftOut)),
                )
            case Latency():
                run_on(request.core)
                return self._timed(request)

    def _timed(self, request: Latency) -> Timed:
        runner = self._runner(request.network, request.how, request.folder)
        torch = self._runner(request.network, TORCH, "")
        took = self._execution.seconds(runner)
        error = self._execution.relative_error(runner.output(runner.run()), torch.output(torch.run()))
        return Timed(min(took), statistics.median(took), error, runner.applied)

    def _make_runner(self, name: str, how: str, folder: str) -> Any:
        network = self._network(name)
        if how == TORCH:
            return self._execution.by_torch(network)
        return self._execution.by_tvm(network, self._module(name), self._target, folder)


def main(arguments: list[str]) -> None:
    descriptor, parent, processor = arguments
    logging.disable(logging.WARNING)  # of what MetaSchedule tries and drops
    run_bench(descriptor, parent, lambda: NetworkBench(processor), needs="PyTorch or TVM")


if __name__ == "__main__":
    main(sys.argv[1:])
