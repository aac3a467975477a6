"""What else a training or a job needs of this machine, each with its mend where it is missing."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from launcher.cluster.ray_node import SHARED_MEMORY
from launcher.jobs.limits import NoSlurm, ask_slurm, has_slurm
from launcher.tracking.account import HOW, find_key, host
from rllib_envs.errors import UserError
from rllib_envs.tvm_installed import tvm_row

Row = tuple[str, str]

ENOUGH_DISK_BYTES = 1 << 30
"""A run with its checkpoints and report is some tens of megabytes, with a replay in each checkpoint some hundreds."""
ENOUGH_SHARED_MEMORY_BYTES = 256 << 20
"""Ray keeps its objects there, and uses slow files where there is no room."""
PATIENCE_S = 10.0
"""SLURM's own commands wait six times as long for a controller that is not there."""
LARGEST_SKEW_S = 2.0
"""Between this machine's clock and its file server's. Times of files decide which run is the newest."""


def system_checks(runs: Path) -> Iterator[Row]:
    """The scheduler, the disk that runs are written to, shared memory, and the clock."""
    yield "SLURM", slurm()
    yield "Weights & Biases", account()
    yield "TVM", tvm_row()
    existing = next(folder for folder in (runs, *runs.parents) if folder.exists())
    yield "disk", disk(existing)
    yield "shared memory", shared_memory()
    yield "clock", clock(existing)


def slurm() -> str:
    if not has_slurm():
        return "not here: tunewright launch runs on this machine; slurm/devcluster start brings up a small one"
    try:
        nodes = ask_slurm("sinfo", "--noheader", "--format=%D nodes in %R", limit_s=PATIENCE_S)
        return f"{ask_slurm('sinfo', '--version').strip()}: {', '.join(nodes.splitlines())}"
    except NoSlurm:
        return "its controller does not answer: is it up, and SLURM_CONF right?"


def account() -> str:
    try:
        key = find_key()
    except UserError as error:
        return str(error)
    return f"has a key for {host()}" if key else f"no key: {HOW}"


def disk(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return f"{folder} can't be written: set LOOP_TOOL_ROOT to a folder that can, or give --runs"
    enough = free >= ENOUGH_DISK_BYTES
    return f"{_size(free)} free in {folder}{'' if enough else ': make room, or set LOOP_TOOL_ROOT to another disk'}"


def shared_memory() -> str:
    if not SHARED_MEMORY.is_dir():
        return f"no {SHARED_MEMORY}: Ray keeps its objects in slow files"
    free = shutil.disk_usage(SHARED_MEMORY).free
    enough = free >= ENOUGH_SHARED_MEMORY_BYTES
    return f"{_size(free)} free{'' if enough else ': give more, in a container with --shm-size=2g'}"


def clock(folder: Path) -> str:
    """Against that of whoever keeps the files of this folder."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            skew = Path(file.name).stat().st_mtime - time.time()
    except OSError as error:
        return f"can't be compared with the file system's: {error}"
    if abs(skew) <= LARGEST_SKEW_S:
        return "agrees with the file system's"
    return (
        f"is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the file system's: set it, for instance by chrony"
    )


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"
