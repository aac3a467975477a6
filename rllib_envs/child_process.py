"""What every process that works for another one needs: to end with it, to use one thread, and to answer it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from rllib_envs.errors import MeasuringError, TunewrightError

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


class Measures(Protocol):
    """Whatever answers requests."""

    def measure(self, request: Any) -> object: ...


def serve(connection: Connection, bench: Measures) -> None:
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
