"""Which of the host's processes belong to a cluster, and how they are ended.

SLURM itself loses a job's daemons when it can't use cgroups, so a process is known by its environment, which its
children inherit: our daemons and their steps carry `OWNER`, the processes of jobs what SLURM gives each of them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devcluster_lib.configuration import CLUSTER_NAME
from devcluster_lib.folder import Folder

OWNER = "TUNEWRIGHT_DEVCLUSTER"
NODE = "TUNEWRIGHT_DEVCLUSTER_NODE"
"""In the environment of a node's slurmd and of what supervises steps there. Processes of jobs have SLURM's own name."""
POLL_S = 0.05

KILLED_WITHIN_S = 10.0
"""Only what hangs in the kernel, on a file system that is away, needs longer; that we leave."""


@dataclass(frozen=True)
class Process:
    """A process of a cluster: a daemon, the supervisor of a job's step, or something that a job started."""

    pid: int
    command: str
    job: str | None
    node: str | None

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})" + (f" of job {self.job}" if self.job else "")


def environment(folder: Folder) -> dict[str, str]:
    """For SLURM's programs: this process's, with our cluster in the place of one that it may be part of."""
    foreign = ("SLURM", "SBATCH", "SRUN", "SALLOC", "SACCT", "SQUEUE", "SINFO", "SCANCEL")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # Where Debian keeps the daemons; the PATH of a plain user lacks it.
    path = f"{folder.bin}:{os.environ.get('PATH', '')}:/usr/sbin"
    return environ | {"SLURM_CONF": str(folder.slurm_conf), "PATH": path, OWNER: str(folder.path)}


def is_running(pid: int) -> bool:
    """False also for one that has ended and waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_cluster(folder: Folder, node: str | None = None) -> list[Process]:
    """Every running process of the cluster in `folder`, or of one node, whether or not the folder is still there."""
    found = (_read(int(entry.name), folder) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [process for process in found if process is not None and node in (None, process.node)]


def daemon(name: str, folder: Folder) -> Process | None:
    """The daemon that was started under this name. None when it doesn't run."""
    try:
        pid = int(folder.pid_file(name).read_text())
    except (OSError, ValueError):
        return None
    # The number could have gone to a stranger since.
    return _read(pid, folder)


def end(processes: Iterable[Process], patience_s: float) -> list[Process]:
    """SIGTERM, and SIGKILL for those that still run after `patience_s`; these are returned."""
    processes = list(processes)
    _signal(processes, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while any(is_running(process.pid) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    stubborn = [process for process in processes if is_running(process.pid)]
    _signal(stubborn, signal.SIGKILL)
    return stubborn


def kill_all(folder: Folder, node: str | None = None) -> list[Process]:
    """Kill what is left of a cluster or of one node, again and again, for a process may start another as it ends."""
    killed: dict[int, Process] = {}
    deadline = time.monotonic() + KILLED_WITHIN_S
    while (left := of_cluster(folder, node)) and time.monotonic() < deadline:
        killed |= {process.pid: process for process in left}
        _signal(left, signal.SIGKILL)
        time.sleep(POLL_S)
    return list(killed.values())


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue


def _read(pid: int, folder: Folder) -> Process | None:
    """None for a process of others, for this one, and for one that has ended."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return None
    environ = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    ours = environ.get(OWNER) == str(folder.path)
    # A shell that talks to this cluster has its SLURM_CONF too, and must live; only a job has both.
    in_job = environ.get("SLURM_CONF") == str(folder.slurm_conf) and environ.get("SLURM_CLUSTER_NAME") == CLUSTER_NAME
    if pid == os.getpid() or not (ours or in_job):
        return None
    job = environ.get("SLURM_JOB_ID") if in_job else None
    return Process(pid, command, job, environ.get(NODE) or environ.get("SLURMD_NODENAME"))
