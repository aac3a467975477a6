"""Work in a fork of this process, which may crash or hang without harm.

A fork takes milliseconds, where TVM's own builders and runners start Python and import TVM for each batch.
"""

from __future__ import annotations

import os
import select
import signal
import struct
from collections.abc import Callable
from typing import NoReturn

from rllib_envs.child_process import die_with_parent

NUMBER = struct.Struct("d")
WALL_PER_PROCESSOR_SECOND = 3.0
"""On a machine that is shared by as many busy processes for each core."""


def in_fork(work: Callable[[], float], limit_s: float) -> float | None:
    """The number that `work` returns; None when it raises, crashes, or takes more than the limit of processor time.

    This process must have no other threads.
    """
    parent = os.getpid()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, limit_s, theirs, parent)
    os.close(theirs)
    try:
        ready, _, _ = select.select([ours], [], [], WALL_PER_PROCESSOR_SECOND * limit_s)
        answer = os.read(ours, NUMBER.size) if ready else b""
    finally:
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return NUMBER.unpack(answer)[0] if len(answer) == NUMBER.size else None


def _work(work: Callable[[], float], limit_s: float, answer: int, parent: int) -> NoReturn:
    try:
        die_with_parent(parent)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TVM prints the stack of a crash, which is nobody's concern
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        os.write(answer, NUMBER.pack(work()))
    finally:
        os._exit(0)
