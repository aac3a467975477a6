"""What every process that works for another one needs: to end with it, and to keep to one core."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

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
