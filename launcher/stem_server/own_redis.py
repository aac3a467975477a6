"""A Redis of our own: for one folder, reached by nobody else, and ended with the server that started it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from launcher.stem_server.store import Store, StoreGone
from models.store.atomic import check_room
from rllib_envs.child_process import die_with_parent
from rllib_envs.errors import MissingPackage, UserError

CONFIG = Path(__file__).with_name("redis.conf")
PROGRAM = "redis-server"
LONGEST_SOCKET = 107
"""Bytes of a path; unix(7)."""
START_S = 60.0
"""Until it has read its file, of gigabytes perhaps."""
LOCK_S = 10.0
"""Until processes of a server that was killed are gone."""
POLL_S = 0.02


class OwnRedis:
    """Close it, or use it in a `with` block.

    The folder is locked, and what is started here inherits the lock: who has it knows that nobody else works there.
    """

    def __init__(self, folder: Path) -> None:
        """Raises UserError where the folder can't be used, or is; MissingPackage where there is no Redis."""
        if shutil.which(PROGRAM) is None:
            raise MissingPackage(f"there is no {PROGRAM}; apt-get install redis-server, or give the --redis that runs")
        with suppress(OSError):  # which is said below
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_room(folder)
        self.folder = folder.resolve()
        socket = self.folder / "redis.sock"
        if len(os.fsencode(socket)) > LONGEST_SOCKET:
            raise UserError(f"the path {socket} is too long for a socket; choose a --data with a shorter one")
        self.url = f"unix://{socket}"
        self.lock = _locked(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers. Raises StoreGone where it doesn't, because the disk is full, for instance."""
        self._process = subprocess.Popen(
            [PROGRAM, str(CONFIG), "--dir", str(self.folder), "--unixsocket", str(self.folder / "redis.sock")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self.lock.fileno(),),
            preexec_fn=_Child(os.getpid()),
            process_group=0,  # Ctrl-C is for the server, which ends its Redis last
        )
        store, end = Store(self.url), time.monotonic() + START_S
        while True:
            try:
                return store.ping()
            except StoreGone:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise StoreGone(
                        f"{PROGRAM} doesn't start in {self.folder}; {self.folder / 'redis.log'} says why"
                    ) from None
            time.sleep(POLL_S)

    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def close(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()
        self.lock.close()

    def __enter__(self) -> OwnRedis:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Child:
    """Run in the child before it becomes Redis."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def __call__(self) -> None:
        die_with_parent(self._parent)


def _locked(folder: Path) -> IO[bytes]:
    file = (folder / "lock").open("wb")
    end = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > end:
                file.close()
                raise UserError(f"another server works in {folder}; end it, or choose another --data") from None
        time.sleep(POLL_S)
