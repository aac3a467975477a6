"""Networks as one who has neither PyTorch nor TVM sees them: their kernels, and how long they take."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from rllib_envs.cores import CoreLocks
from rllib_envs.errors import MeasuringError, MissingPackage
from rllib_envs.kernel_tuning.networks.names import NETWORKS
from rllib_envs.kernel_tuning.networks.protocol import Extract, Extracted, Latency, Ready, Request, Timed
from rllib_envs.kernel_tuning.task import NATIVE
from rllib_envs.measuring_process import Lost, MeasuringProcess
from rllib_envs.names import choose
from rllib_envs.tvm_installed import missing

CHILD_MODULE = "rllib_envs.kernel_tuning.networks.child"
START_LIMIT_S = 300.0
"""For importing PyTorch and TVM, perhaps from a cold network drive."""
ANSWER_LIMIT_S = 900.0
"""For compiling a network, and running it some times without schedules, which takes seconds each."""


class NetworkProcess:
    """Owns one process with PyTorch and TVM, which is started at the first use and keeps what it has compiled.

    `target` is what TVM compiles for; see `KernelTask`.
    """

    def __init__(self, target: str = NATIVE) -> None:
        self._target = target
        self._child: MeasuringProcess | None = None
        self._cores = CoreLocks()

    def ready(self) -> Ready:
        """What the process works with. MissingPackage when there is no TVM, UserError for a target that isn't here."""
        ready: Ready = self._running().ready
        return ready

    def extract(self, network: str) -> Extracted:
        """The kernels of a network. UserError for a name that there isn't, and for operators that TVM can't import."""
        answer: Extracted = self._ask(Extract(choose(network, NETWORKS, "network")), network)
        return answer

    def latency(self, network: str, how: str, records: Path | None = None) -> Timed:
        """Seconds from input to output; see `protocol.Latency`. On a core that nobody measures on meanwhile."""
        folder = str(records.absolute()) if records else ""
        with self._cores.hold() as core:
            answer: Timed = self._ask(Latency(choose(network, NETWORKS, "network"), how, folder, core), network)
        return answer

    def close(self) -> None:
        """End the process. The next use starts another."""
        if self._child is not None:
            self._child.end()
        self._child = None

    def __enter__(self) -> NetworkProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Request, network: str) -> Any:
        try:
            return self._running().ask(request, ANSWER_LIMIT_S)
        except Lost as lost:
            self.close()
            raise MeasuringError(f"the process that runs network {network!r} was lost: {lost}") from None

    def _running(self) -> MeasuringProcess:
        if self._child is not None and not self._child.usable():
            self.close()
        if self._child is None:
            trouble = missing(("tvm",))
            if trouble:
                raise MissingPackage(f"kernel tuning needs TVM: {trouble}")
            self._child = MeasuringProcess(CHILD_MODULE, self._target, start_limit_s=START_LIMIT_S)
        return self._child
