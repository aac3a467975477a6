"""What can be done with a cluster: start and stop it, look at it, take one of its nodes away and bring it back."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from typing import Any

from devcluster_lib import daemons, processes
from devcluster_lib.configuration import Settings, write_all
from devcluster_lib.errors import DevclusterError
from devcluster_lib.folder import SUBFOLDERS, Folder, reserved

JOBS_END_WITHIN_S = 18.0
"""A cancelled job has KillWait, 15 s, between SIGTERM and SIGKILL."""

DAEMONS_END_WITHIN_S = 3.0


def is_running(folder: Folder) -> bool:
    """Whether the controller runs; without it there is no cluster."""
    return processes.daemon("slurmctld", folder) is not None


def read_settings(folder: Folder) -> Settings:
    """Those that the running cluster was started with. DevclusterError when none runs."""
    if not is_running(folder):
        raise DevclusterError(f"no cluster runs in {folder.path}; start one, or name its folder with --dir")
    settings: dict[str, Any] = json.loads(folder.marker.read_text())
    return Settings(**settings)


def start(settings: Settings, folder: Folder) -> None:
    """Bring a cluster up in `folder`, where none runs. When that fails, for whatever reason, no trace is left."""
    with reserved(folder):
        if is_running(folder):
            raise DevclusterError(f"a cluster runs in {folder.path} already; stop it first, or give another --dir")
        if folder.is_ours():
            print(f"devcluster: an earlier cluster in {folder.path} has died; what is left of it goes", file=sys.stderr)
            _end_processes(folder)
            _remove_files(folder)
        try:
            folder.marker.write_text(json.dumps(dataclasses.asdict(settings)))
            for name in SUBFOLDERS:
                (folder.path / name).mkdir()
            write_all(settings, folder)
            daemons.start_all(settings, folder)
        except BaseException:
            stop(folder)
            raise


def stop(folder: Folder) -> list[processes.Process]:
    """Remove every trace: jobs, daemons, the folder. Returns what would not end by itself and was killed."""
    killed = _end_processes(folder)
    if folder.path.exists():
        _remove_files(folder)
        folder.path.rmdir()
    return killed


def status(folder: Folder) -> str:
    """The nodes, a line each, and the number of jobs by state."""
    settings = read_settings(folder)
    accounting = "slurmdbd" if settings.accounting else "a stand-in for sacct"
    states = dict(line.split() for line in _ask(folder, "sinfo", "-h", "-N", "-p", "main", "-o", "%N %T").splitlines())
    lines = [f"{folder.path}: accounting by {accounting}, SLURM_CONF={folder.slurm_conf}"]
    for name in settings.node_names:
        slurmd = processes.daemon(f"slurmd-{name}", folder)
        size = f"CPUs {settings.cpus}, memory {settings.memory} MB, GPUs {settings.gpus}"
        lines.append(
            f"{name}  {states.get(name, 'unknown'):10}  {size}  slurmd {slurmd.pid if slurmd else 'is not running'}"
        )
    jobs = _ask(folder, "squeue", "-h", "-r", "-o", "%T").split()
    counts = [f"{jobs.count(state)} {state.lower()}" for state in sorted(set(jobs))]
    return "\n".join([*lines, f"jobs: {', '.join(counts) or 'none'}"])


def kill_node(node: str, folder: Folder) -> bool:
    """SIGKILL to a node's slurmd and to all that runs on the node, so that it is lost. False when it doesn't run."""
    _check_node(node, folder)
    if processes.daemon(f"slurmd-{node}", folder) is None:
        return False
    processes.kill_all(folder, node)
    return True


def start_node(node: str, folder: Folder) -> bool:
    """Bring a killed node back. False when it runs already."""
    settings = _check_node(node, folder)
    if processes.daemon(f"slurmd-{node}", folder) is not None:
        return False
    daemons.start_node(settings, node, folder)
    return True


def _check_node(node: str, folder: Folder) -> Settings:
    settings = read_settings(folder)
    if node not in settings.node_names:
        raise DevclusterError(
            f"there is no node {node!r}; the cluster in {folder.path} has {', '.join(settings.node_names)}"
        )
    return settings


def _end_processes(folder: Folder) -> list[processes.Process]:
    """Jobs first, and each daemon before those that it needs. Returns what was killed."""
    if is_running(folder):
        _cancel_jobs(folder)
    killed = []
    nodes = [path.stem for path in folder.path.glob("run/slurmd-*.pid")]
    for names in (nodes, ["slurmctld"], ["slurmdbd"], ["mariadbd"], ["munged"]):
        running = [process for name in names if (process := processes.daemon(name, folder)) is not None]
        killed += processes.end(running, DAEMONS_END_WITHIN_S)
    return killed + processes.kill_all(folder)


def _remove_files(folder: Folder) -> None:
    """All in the folder, the marker last: what an interrupt leaves is still known as ours."""
    for entry in sorted(folder.path.iterdir(), key=lambda entry: entry == folder.marker):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _cancel_jobs(folder: Folder) -> None:
    """Give every job the end that SLURM gives it, as far as the controller does its work."""
    if not daemons.answers(read_settings(folder).first_port):
        return
    deadline = time.monotonic() + JOBS_END_WITHIN_S
    try:
        if jobs := _ask(folder, "squeue", "-h", "-o", "%A").split():
            _ask(folder, "scancel", *jobs)
        while time.monotonic() < deadline and _ask(folder, "squeue", "-h", "-o", "%A"):
            time.sleep(processes.POLL_S)
    except subprocess.TimeoutExpired:
        return


def _ask(folder: Folder, *command: str) -> str:
    """What a client program prints; nothing when it fails."""
    environ = processes.environment(folder)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=JOBS_END_WITHIN_S)
    return done.stdout if done.returncode == 0 else ""
