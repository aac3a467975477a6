"""One worker at a time does a piece of work that several have come to, and the others find it done."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claimed(path: Path, work: str, wait: bool = True) -> Iterator[bool]:
    """Wait until nobody else has claimed this work, and keep others from it for the time of the block.

    Whether it is claimed now: always, but for `wait` False and a work that somebody else is at.

    All works have their byte in the file, which stays empty. The operating system takes a claim back when its process
    ends, in whatever way. A process can hold one claim on a file at a time, and threads are not kept from each other.
    Two works share a byte once in four thousand million; one then waits for the other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = zlib.crc32(work.encode())
    with path.open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except BlockingIOError:
            yield False
            return
        yield True  # closing the file ends the claim
