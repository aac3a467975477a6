"""Where the client of Weights & Biases keeps its own files: in the run directory, for one process at a time.

It copies what it uploads, keeps copies of what it has uploaded, and leaves temporary folders behind. Nothing of that is
needed once a connection is over, for the run directory has it all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.tracking.mirrored import MirrorFailed

CLIENT_FOLDER = ".wandb"
"""In the run directory. It may be removed when nothing is mirrored."""
LOG = "mirror.log"
"""In that folder: what the mirror's process says."""
COPIES = "artifacts"
"""In that folder: what is uploaded, and what was."""
LAST_LIMIT_S = 120.0
"""A mirror whose training was killed tries for so long to bring what is left."""
LOCK_POLL_S = 0.2
WAIT_LIMIT_S = LAST_LIMIT_S + 10


@contextmanager
def client_folder(run: Path) -> Iterator[Path]:
    """The folder, without leftovers, and nobody else's meanwhile; two connections would write each row twice.

    What was copied into it is removed at the end. Raises MirrorFailed when another process goes on using it.
    """
    folder = run / CLIENT_FOLDER
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, run)
        remove_leftovers(folder)
        yield folder
    finally:
        shutil.rmtree(folder / COPIES, ignore_errors=True)
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOG:
            path.unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Iterator[None]:
    """Temporary files of this process and of those that it starts go to a folder that is removed afterwards."""
    before, before_here = os.environ.get("TMPDIR"), tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="tww-", ignore_cleanup_errors=True) as place:
        os.environ["TMPDIR"] = tempfile.tempdir = place
        try:
            yield
        finally:
            tempfile.tempdir = before_here
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before


def _lock(handle: int, run: Path) -> None:
    began, told = time.monotonic(), False
    while not _locked(handle):
        if time.monotonic() > began + WAIT_LIMIT_S:
            raise MirrorFailed(f"another process is bringing {run} to Weights & Biases; wait for it")
        if not told:
            print(f"waiting for another process that brings {run} to Weights & Biases", file=sys.stderr, flush=True)
            told = True
        time.sleep(LOCK_POLL_S)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
