"""What a cluster consists of, and the configuration files that tell SLURM so."""

from __future__ import annotations

import getpass
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from devcluster_lib.folder import Folder

CLUSTER_NAME = "devcluster"
DATABASE = "slurm_accounting"
TEMPLATES = Path(__file__).parent / "templates"
SACCT_STAND_IN = Path(__file__).parent / "sacct_stand_in.py"

MOST_FIRST_JOB_ID = 60_000_000
"""SLURM's own limit for ids is 67,043,328."""


@dataclass(frozen=True)
class Settings:
    """A cluster's size. Each node has the same `cpus`, `memory` (MB) and `gpus`."""

    nodes: int
    cpus: int
    memory: int
    gpus: int
    accounting: bool
    """By slurmdbd and MariaDB; otherwise `sacct` is a stand-in that knows what the controller remembers."""
    first_port: int
    """The controller's; slurmdbd and the nodes have those after it."""

    @property
    def accounting_port(self) -> int:
        return self.first_port + 1

    def node_port(self, number: int) -> int:
        """Of node n`number`, which counts from 1."""
        return self.first_port + 1 + number

    @property
    def node_names(self) -> list[str]:
        return [f"n{number}" for number in range(1, self.nodes + 1)]


def ports_needed(nodes: int) -> int:
    """In a row: one for each node, one for the controller, one for the accounting."""
    return nodes + 2


def write_all(settings: Settings, folder: Folder) -> None:
    """Every file that the daemons read, into `folder`, whose subfolders exist."""
    values = {
        "cluster_name": CLUSTER_NAME,
        "folder": folder.path,
        "munge_socket": folder.munge_socket,
        "user": getpass.getuser(),
        "host": socket.gethostname().partition(".")[0],
        "controller_port": settings.first_port,
        "accounting_port": settings.accounting_port,
        "database": DATABASE,
        "memory_per_cpu": max(1, settings.memory // settings.cpus),
        "first_job_id": 1 + secrets.randbelow(MOST_FIRST_JOB_ID),
        "accounting": _accounting(settings, folder),
        "nodes": _nodes(settings),
    }
    folder.slurm_conf.write_text((TEMPLATES / "slurm.conf").read_text().format(**values))
    # Left to choose for itself, SLURM gives up where no cgroups are mounted.
    (folder.path / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (folder.path / "plugstack.conf").touch()
    _write_program(folder.bin / "mail", f'#!/bin/sh\necho "$@" >> {folder.log("mail")}\n')
    if settings.gpus:
        _write_gpus(settings, folder)
    if settings.accounting:
        slurmdbd_conf = folder.path / "slurmdbd.conf"
        slurmdbd_conf.touch(mode=0o600)
        slurmdbd_conf.write_text((TEMPLATES / "slurmdbd.conf").read_text().format(**values))
        (folder.path / "database.sql").write_text(f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n")
    else:
        shutil.copy(SACCT_STAND_IN, folder.bin / "sacct")
        (folder.bin / "sacct").chmod(0o755)


def _nodes(settings: Settings) -> str:
    host = socket.gethostname().partition(".")[0]
    size = f"CPUs={settings.cpus} RealMemory={settings.memory}" + (f" Gres=gpu:{settings.gpus}" * bool(settings.gpus))
    return "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={settings.node_port(number)} {size}"
        for number, name in enumerate(settings.node_names, 1)
    )


def _accounting(settings: Settings, folder: Folder) -> str:
    if not settings.accounting:
        return "AccountingStorageType=accounting_storage/none"
    return "\n".join(
        [
            "AccountingStorageType=accounting_storage/slurmdbd",
            "AccountingStorageHost=127.0.0.1",
            f"AccountingStoragePort={settings.accounting_port}",
            # Of munge; without it the controller looks for the host's own.
            f"AccountingStoragePass={folder.munge_socket}",
            "AccountingStorageTRES=gres/gpu",
        ]
    )


def _write_gpus(settings: Settings, folder: Folder) -> None:
    """SLURM takes any character device for a GPU, so jobs see CUDA_VISIBLE_DEVICES as they would with real ones."""
    for index in range(settings.gpus):
        (folder.path / "devices" / f"gpu{index}").symlink_to("/dev/null")
    devices = "gpu0" if settings.gpus == 1 else f"gpu[0-{settings.gpus - 1}]"
    nodes = "n1" if settings.nodes == 1 else f"n[1-{settings.nodes}]"
    (folder.path / "gres.conf").write_text(
        f"AutoDetect=off\nNodeName={nodes} Name=gpu File={folder.path}/devices/{devices}\n"
    )


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
