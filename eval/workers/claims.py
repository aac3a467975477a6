"""Which cores a comparison's workers run on: each on one of its own, and two comparisons on different ones."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rllib_envs.cores import Core, physical_cores
from rllib_envs.errors import UserError


def check_workers(count: int | None) -> None:
    """Raises UserError for more workers than there are physical cores; without a count there never are."""
    cores = len(physical_cores())
    if count is not None and not 1 <= count <= cores:
        raise UserError(
            f"{count} workers are not possible: each has a physical core of its own, and this process may use "
            f"{cores}; give 1 to {cores}"
        )


@contextmanager
def claimed_cores(count: int | None = None, folder: Path | None = None) -> Iterator[tuple[list[Core], int]]:
    """Physical cores for `count` workers, kept for the time of the block, and how many of them another comparison uses.

    Without a count they are all that no other comparison of this user has claimed, but at least one. The operating
    system takes a claim back when its process ends, in whatever way. Claims are kept in `folder`, which must be the
    same for all who share the machine. Raises UserError for more workers than there are cores.
    """
    check_workers(count)
    folder = folder or Path(tempfile.gettempdir()) / f"tunewright-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        free: list[Core] = []
        shared: list[Core] = []
        for core in physical_cores():
            wanted = count is None or len(free) < count
            (free if wanted and _claim(core, folder, stack) else shared).append(core)
        missing = max(0, (count or 1) - len(free))
        yield [*free, *shared[:missing]], missing


def _claim(core: Core, folder: Path, stack: ExitStack) -> bool:
    """Whether the core was free. If so, it is claimed until the stack ends."""
    file = stack.enter_context((folder / f"comparison-{min(core, default=0)}").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
