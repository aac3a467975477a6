"""One measurement on a physical core at a time, among all processes of one user on this machine.

Workers that measure at the same time would otherwise meet on one core, or on two hardware threads of one core, and
each would find its candidates slow. A core belongs to whoever holds the lock on its file, and the operating system
takes the lock back when the holder ends, in whatever way.
"""

from __future__ import annotations

import fcntl
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
LONGEST_PAUSE_S = 1e-3
"""Between two looks for a free core; a measurement takes some milliseconds."""

Core = frozenset[int]
"""The logical processors, hardware threads of one core, that a process may run on."""


def physical_cores() -> list[Core]:
    """Those that this process may run on. One without number where the system doesn't tell."""
    if not hasattr(os, "sched_getaffinity"):
        return [frozenset()]
    allowed = os.sched_getaffinity(0)
    threads: dict[str, set[int]] = {}
    for cpu in sorted(allowed):
        siblings = CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        threads.setdefault(siblings.read_text() if siblings.exists() else str(cpu), set()).add(cpu)
    return [frozenset(cpus) for cpus in threads.values()]


class CoreLocks:
    """Hands out the physical cores of this process, each to one holder at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the lock files; it must be the same for all who share the machine."""
        self._folder = folder or Path(tempfile.gettempdir()) / f"tunewright-cores-{os.getuid()}"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._cores = physical_cores()

    @contextmanager
    def hold(self) -> Iterator[Core]:
        """Wait for a free core, and keep it for the time of the block. The one held last is tried first."""
        while True:
            for position, core in enumerate(self._cores):
                # Not kept open: a process that is forked meanwhile would inherit the lock.
                file = os.open(self._folder / str(min(core, default=0)), os.O_WRONLY | os.O_CREAT, 0o600)
                try:
                    if _lock(file):
                        self._cores.insert(0, self._cores.pop(position))
                        yield core
                        return
                finally:
                    os.close(file)
            time.sleep(random.uniform(0.1, 1.0) * LONGEST_PAUSE_S)


def _lock(file: int) -> bool:
    """Whether nobody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run_on(core: Core) -> None:
    """Keep this process on a core."""
    if core and os.sched_getaffinity(0) != core:
        os.sched_setaffinity(0, core)
