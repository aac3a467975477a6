"""What the host must have: Debian's packages and free ports."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Mapping

from devcluster_lib.errors import DevclusterError

NEEDED = {
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "scontrol": "slurm-wlm",
    "srun": "slurm-wlm",
    "munged": "munge",
}
FOR_ACCOUNTING = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server-core"}

PORTS = range(17000, 30000)
"""Above what well-known services use, below what Linux gives to clients (32768 to 60999)."""


def check_packages() -> None:
    """DevclusterError, with the command that installs them, when a needed program is missing."""
    if packages := _missing(NEEDED):
        raise DevclusterError(f"{' and '.join(packages)} must be installed: {install(packages)}")


def missing_for_accounting() -> list[str]:
    """The packages without which `sacct` is only a stand-in."""
    return _missing(FOR_ACCOUNTING)


def install(packages: list[str]) -> str:
    """The command that does."""
    return f"apt-get install --no-install-recommends {' '.join(packages)}"


def free_ports(count: int, ports: range = PORTS) -> int:
    """The first of `count` free ports in a row. DevclusterError when `ports` has not as many."""
    firsts = list(ports[: len(ports) - count + 1 if count <= len(ports) else 0 : count])
    # Two clusters that start at the same moment should not meet.
    random.shuffle(firsts)
    for first in firsts:
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise DevclusterError(
        f"{count} free ports in a row are needed and {ports.start}-{ports.stop - 1} has none left; "
        "give another range with --ports, or fewer --nodes"
    )


def _missing(programs: Mapping[str, str]) -> list[str]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return sorted({package for program, package in programs.items() if shutil.which(program, path=path) is None})


def _is_free(port: int) -> bool:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True
