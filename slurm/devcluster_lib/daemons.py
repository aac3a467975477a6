"""How each daemon is run, in the foreground and away from the terminal, and how we know that it is ready."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from devcluster_lib.configuration import CLUSTER_NAME, Settings
from devcluster_lib.errors import StartFailed
from devcluster_lib.folder import Folder
from devcluster_lib.processes import NODE, POLL_S, environment

READY_WITHIN_S = 60.0
"""The slowest, slurmdbd on a busy host, was seen to take 10 s."""

LOG_LINES = 15
"""Of a failing daemon, shown to the person."""


def munged(folder: Folder) -> list[str]:
    """Has a key and a socket of its own, so that nothing in /etc or /run is touched."""
    key = folder.path / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    return [
        "munged",
        "--foreground",
        "--force",
        "--num-threads=4",
        f"--key-file={key}",
        f"--socket={folder.munge_socket}",
        f"--seed-file={folder.path}/run/munge.seed",
        f"--pid-file={folder.path}/run/munged.pid.own",
    ]


def mariadbd(folder: Folder) -> list[str]:
    """Starts on an empty folder. Nobody is asked for a password, so it listens only in our private folder."""
    return [
        "mariadbd",
        "--no-defaults",
        "--skip-grant-tables",
        "--skip-networking",
        f"--user={getpass.getuser()}",
        f"--datadir={folder.path}/database",
        f"--socket={folder.database_socket}",
        f"--pid-file={folder.path}/run/mariadbd.pid.own",
        f"--init-file={folder.path}/database.sql",
        # The database dies with the cluster, so nothing need be safe from a power cut.
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-log-file-size=16M",
        # slurmdbd complains about less.
        "--innodb-lock-wait-timeout=900",
    ]


SLURMDBD = ["slurmdbd", "-D"]
SLURMCTLD = ["slurmctld", "-D", "-c"]


def slurmd(node: str) -> list[str]:
    """Several of them run on one host, as Debian builds SLURM with --enable-multiple-slurmd."""
    return ["slurmd", "-D", "-N", node]


class Launcher:
    """Starts daemons in a folder and waits for them. An early end of any is noticed at once."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._environment = environment(folder) | {"MYSQL_UNIX_PORT": str(folder.database_socket)}
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], **environ: str) -> None:
        """Run a daemon under a name, which its log and pid file have. It outlives this process."""
        with self._folder.printed(name).open("ab") as printed:
            process = subprocess.Popen(
                command,
                env=self._environment | environ,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                cwd=self._folder.path,
                start_new_session=True,
            )
        self._started[name] = process
        self._folder.pid_file(name).write_text(str(process.pid))

    def wait(self, name: str, ready: Callable[[], bool]) -> None:
        """Until the daemon is ready. StartFailed with its log when it, or another, ends or takes too long."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not ready():
            for started, process in self._started.items():
                if process.poll() is not None:
                    raise StartFailed(f"{started} ended with status {process.returncode}{self._tail(started)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{name} was not ready after {READY_WITHIN_S:.0f} s{self._tail(name)}")
            time.sleep(POLL_S)

    def run(self, *command: str) -> str:
        """What a client program of SLURM prints. Empty when it fails, as it may while daemons come up."""
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=READY_WITHIN_S)
        return done.stdout if done.returncode == 0 else ""

    def _tail(self, name: str) -> str:
        lines = self._folder.printed(name).read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "; the end of its log:" + "".join(f"\n  {line}" for line in lines)


def start_all(settings: Settings, folder: Folder) -> None:
    """From nothing to idle nodes. StartFailed when one of the daemons doesn't come up; the others then still run."""
    launcher = Launcher(folder)
    launcher.start("munged", munged(folder))
    if settings.accounting:
        launcher.start("mariadbd", mariadbd(folder))
    launcher.wait("munged", folder.munge_socket.exists)
    if settings.accounting:
        launcher.wait("mariadbd", lambda: answers(folder.database_socket))
        launcher.start("slurmdbd", SLURMDBD)
        launcher.wait("slurmdbd", lambda: answers(settings.accounting_port))
        launcher.run("sacctmgr", "--immediate", "add", "cluster", CLUSTER_NAME)
    launcher.start("slurmctld", SLURMCTLD)
    # A node that registers before would try again only after 10 s.
    launcher.wait("slurmctld", lambda: "is UP" in launcher.run("scontrol", "ping"))
    for node in settings.node_names:
        launcher.start(f"slurmd-{node}", slurmd(node), **{NODE: node})
    idle = "sinfo", "--noheader", "--Node", "--partition=main", "--states=idle", "--format=%N"
    launcher.wait("slurmd-n1", lambda: len(launcher.run(*idle).split()) == settings.nodes)


def start_node(settings: Settings, node: str, folder: Folder) -> None:
    """The slurmd of one node, until jobs can run on it again."""
    launcher = Launcher(folder)
    launcher.start(f"slurmd-{node}", slurmd(node), **{NODE: node})
    port = settings.node_port(settings.node_names.index(node) + 1)
    launcher.wait(f"slurmd-{node}", lambda: answers(port))
    # One that was away for less than SlurmdTimeout was never seen to be down.
    state = "sinfo", "--noheader", "--Node", "--partition=main", f"--nodes={node}", "--format=%T"
    up = {"idle", "mixed", "allocated", "completing"}
    launcher.wait(f"slurmd-{node}", lambda: launcher.run(*state).strip() in up)


def answers(address: Path | int) -> bool:
    """Whether somebody listens at a Unix socket, or at a port of this host."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as client:
        return client.connect_ex(str(address) if isinstance(address, Path) else ("127.0.0.1", address)) == 0
