"""What every process that works for another one needs: to end with it, to use one thread, and to answer it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from rllib_envs.errors import MeasuringError, MissingPackage, TunewrightError

SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Have Linux kill this process when the thread that started it ends, in whatever way.

    Other systems can't; there the process ends when it has answered and finds that nobody listens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        sys.exit(1)


def child_environment() -> dict[str, str]:
    """The environment variables of a Python child: the same packages as here, and one thread for numpy."""
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **SINGLE_THREADED, "PYTHONPATH": os.pathsep.join(paths)}


class Bench(Protocol):
    """Whatever answers requests."""

    def ready(self) -> object:
        """What the other side is told first."""

    def measure(self, request: Any) -> object: ...


def run_bench(
    descriptor: str,
    parent: str,
    make: Callable[[], Bench],
    needs: str = "",
    address_space: int | None = None,
    quiet: bool = False,
) -> None:
    """Make a bench and answer requests, for the process `parent` at the other end of `descriptor`.

    Where it can't be made, that is the answer; `needs` are the packages that may be missing. It may take so many bytes
    of address space and leaves no core dump. If it is quiet, what libraries print as errors goes nowhere from then on.
    """
    die_with_parent(int(parent))
    if address_space is not None:
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Connection(int(descriptor)) as connection:
        try:
            bench = make()
        except TunewrightError as error:
            connection.send(error)
            return
        except ImportError as error:
            connection.send(MissingPackage(f"{needs or 'a package'} can't be imported: {error}"))
            return
        connection.send(bench.ready())
        if quiet:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        serve(connection, bench)


def serve(connection: Connection, bench: Bench) -> None:
    """Answer requests until the other side hangs up."""
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        reply: object
        try:
            reply = bench.measure(request)
        except TunewrightError as error:
            reply = error
        except MemoryError:
            reply = MeasuringError(
                f"this needs more than the {_memory_limit_gib()} GiB that a measuring process may take"
            )
        except Exception:
            reply = MeasuringError(f"the measuring process failed:\n{traceback.format_exc()}")
        connection.send(reply)


def _memory_limit_gib() -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0] >> 30
