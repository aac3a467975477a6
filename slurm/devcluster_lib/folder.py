"""The one folder that holds all of a cluster: its settings, sockets, logs and state. A marker tells that it is ours."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster_lib.errors import DevclusterError

SOCKET_PATH_MAX = 107
"""Bytes in the path of a Unix socket (unix(7): `sun_path` without its final zero)."""

LONGEST_SOCKET = "/spool/n64/n64_67043327.4294967291"
"""Where a batch job's step listens, for the greatest job id; munge's and MariaDB's sockets are shorter."""

SUBFOLDERS = ("bin", "database", "devices", "log", "run", "spool", "state")


def default_folder() -> Path:
    """One for each user of the host."""
    return Path(f"/tmp/tunewright-slurm-{os.getuid()}")


@dataclass(frozen=True)
class Folder:
    """Names everything in a cluster's folder."""

    path: Path

    @property
    def marker(self) -> Path:
        """Written first and removed last. Holds the cluster's settings as JSON."""
        return self.path / "devcluster.json"

    @property
    def slurm_conf(self) -> Path:
        return self.path / "slurm.conf"

    @property
    def bin(self) -> Path:
        """Goes to the front of PATH."""
        return self.path / "bin"

    @property
    def munge_socket(self) -> Path:
        return self.path / "run" / "munge.sock"

    @property
    def database_socket(self) -> Path:
        return self.path / "run" / "mariadb.sock"

    def log(self, daemon: str) -> Path:
        """What SLURM's daemons write by themselves, with times."""
        return self.path / "log" / f"{daemon}.log"

    def printed(self, daemon: str) -> Path:
        """What a daemon prints: the same, and what went wrong before it could open its log."""
        return self.path / "log" / f"{daemon}.out"

    def pid_file(self, daemon: str) -> Path:
        return self.path / "run" / f"{daemon}.pid"

    def is_ours(self) -> bool:
        """Made by this program and for this user: it may be removed with all that is in it."""
        return self.marker.is_file() and self.path.stat().st_uid == os.getuid()


def existing(path: Path) -> Folder:
    """The folder of a cluster, or of one that is gone. DevclusterError where something else lies there."""
    folder = Folder(path.resolve())
    if path.is_symlink() or (folder.path.exists() and not folder.is_ours() and not _is_empty(folder.path)):
        raise DevclusterError(
            f"{path} was not made by devcluster for this user, so it stays as it is; give another --dir"
        )
    return folder


def creatable(path: Path) -> Folder:
    """As `existing`, and SLURM could work in it. DevclusterError if not."""
    folder = existing(path)
    longest = SOCKET_PATH_MAX - len(LONGEST_SOCKET)
    if len(os.fsencode(folder.path)) > longest:
        raise DevclusterError(
            f"{folder.path} has {len(os.fsencode(folder.path))} bytes, and SLURM's sockets in it must stay below "
            f"{SOCKET_PATH_MAX + 1}; give a --dir of {longest} at most"
        )
    if odd := re.sub(r"[\w./+-]", "", str(folder.path), flags=re.ASCII):
        raise DevclusterError(
            f"{folder.path} contains {odd[0]!r}, which SLURM's files can't express; give a --dir of letters and digits"
        )
    if not os.access(folder.path if folder.path.exists() else folder.path.parent, os.W_OK | os.X_OK):
        raise DevclusterError(
            f"{folder.path} can't be made, for its parent is missing or not ours to write; give another --dir"
        )
    return folder


@contextmanager
def reserved(folder: Folder) -> Iterator[None]:
    """Keep other starts away from a folder, which is made if need be. DevclusterError when one is under way."""
    # Nobody else may read munge's key or talk to the database, which knows no passwords.
    folder.path.mkdir(mode=0o700, exist_ok=True)
    folder.path.chmod(0o700)
    descriptor = os.open(folder.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DevclusterError(
            f"another start is under way in {folder.path}; wait until it is done, or give another --dir"
        ) from None
    finally:
        os.close(descriptor)


def _is_empty(path: Path) -> bool:
    return path.is_dir() and path.stat().st_uid == os.getuid() and not any(path.iterdir())
