"""One node of a Ray cluster: `ray start --block` as a child that ends with this process and leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from launcher.cluster.allocation import Allocation
from models.interrupts import descendants
from rllib_envs.child_process import PR_SET_PDEATHSIG
from rllib_envs.errors import UserError

TEMPORARY_ROOT = "TUNEWRIGHT_TMP"
"""Variable with the folder for Ray's sockets and logs: local to the node, and short. /tmp unless set."""
LONGEST_FOLDER = 43
"""Characters. Ray adds /session_<date>_<pid>/sockets/plasma_store to it, and a socket's path has 107 at most."""
STORE_SHARE = 0.3
"""Of the task's memory, for Ray's objects."""
LEAST_STORE_BYTES = 80 << 20
"""Ray refuses less."""
SHARED_MEMORY = Path("/dev/shm")
SHARED_MEMORY_SHARE = 0.9
STOP_LIMIT_S, POLL_S = 5.0, 0.02
"""For what was killed to be gone."""
CHOSEN_WHEN_BOUND = (
    "--dashboard-agent-listen-port=0",
    "--min-worker-port=0",
    "--max-worker-port=0",
)
"""Fixed ports would collide with those of another job on the same node; Ray's others are chosen anyway."""
SPARED = ("--include-log-monitor=false",)
"""Parts of Ray that would do nothing here: workers' logs stay where they are written."""


JANITOR = """
trap '' TERM INT HUP USR2
read -r stopped && exit
for again in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$@"; sleep 1; done
"""
"""Shell lines that remove what they are given when whoever holds their input ends without a word. Ray ends a driver on
the spot where SLURM's signal has ended its daemons first, and what is left of them may still write for some seconds."""


class RayNode:
    """Starts Ray on this node, and again if it dies. Its folder is removed by `stop`, or else by a janitor.

    The janitor also removes `others`, which their owner removes where it can.
    """

    def __init__(self, allocation: Allocation, address: str, log: Path, others: Sequence[Path] = ()) -> None:
        self.allocation, self.address, self.log = allocation, address, log
        self.starts = 0
        root = Path(os.environ.get(TEMPORARY_ROOT, "/tmp"))
        prefix = f"tw{allocation.job.partition('.')[0]}-{allocation.rank}-"
        for left in root.glob(f"{prefix}*"):  # by an attempt that was killed
            shutil.rmtree(left, ignore_errors=True)
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
        if len(str(self.folder)) > LONGEST_FOLDER:
            self.folder.rmdir()
            raise UserError(f"{self.folder} is too long for Ray's sockets; set {TEMPORARY_ROOT} to a shorter folder")
        self._process: subprocess.Popen[bytes] | None = None
        self._janitor = subprocess.Popen(
            ["sh", "-c", JANITOR, "janitor", str(self.folder), *map(str, others)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *options: str) -> None:
        """Start it as a head (`--head`) or as a worker (`--address=...`)."""
        self.starts += 1
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        resources = [f"--num-cpus={self.allocation.cpus}", f"--num-gpus={self.allocation.gpus}", *self._memory()]
        place = [f"--temp-dir={self.folder}", f"--node-ip-address={self.address}", *CHOSEN_WHEN_BOUND, *SPARED]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *resources, *place, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_as_a_child_of_a_step,
            )

    def cluster_address(self) -> str | None:
        """The head's address, once it can be joined. An open port alone says too little: its raylet comes later."""
        try:
            return (self.folder / "ray_current_cluster").read_text().strip() or None
        except OSError:
            return None

    def stop(self, keep_logs: Path | None = None) -> None:
        """End it at once, and remove its folder. `ray stop` would end all of this user on the node, other jobs' too.

        Asked politely, Ray would hand its work to other nodes for half a minute, but all of them end now.
        """
        if self._process is not None:
            family = [self._process.pid, *descendants(self._process.pid)]
            for process in family:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()
            deadline = time.monotonic() + STOP_LIMIT_S
            while any(Path(f"/proc/{process}/exe").exists() for process in family) and time.monotonic() < deadline:
                time.sleep(POLL_S)
        if keep_logs is not None and (logs := self.folder / "session_latest" / "logs").is_dir():
            shutil.copytree(logs, keep_logs, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._janitor.returncode is None:
            self._janitor.communicate(b"stopped\n")

    def _memory(self) -> list[str]:
        """Ray would take the whole host's by itself."""
        memory = self.allocation.memory_bytes
        if not memory:
            return []
        free = os.statvfs(SHARED_MEMORY)
        most = int(free.f_bavail * free.f_frsize * SHARED_MEMORY_SHARE)
        store = max(LEAST_STORE_BYTES, min(int(memory * STORE_SHARE), most))
        return [f"--object-store-memory={store}", f"--memory={max(memory - store, store)}"]


def _as_a_child_of_a_step() -> None:
    """SLURM's warning signal reaches every process of a step, and would end Ray's; "ignored" survives exec.

    A driver that is killed takes Ray with it: `ray start --block` ends its daemons when it is terminated.
    """
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
