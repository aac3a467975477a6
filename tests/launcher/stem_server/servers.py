"""Servers of jobs as processes, and clients that ask them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.stem.options import SchedulingOptions
from launcher.stem.setup import Setup
from launcher.stem_server.asks import Planning, planning_ask
from launcher.stem_server.client import JobServer
from launcher.stem_server.job import SCHEDULE
from models.interrupts import descendants
from tests.conftest import ROOT
from tests.processes import command_line
from tests.rllib_envs.stem_sharing.tasks import three_applications

FREE = "tcp://127.0.0.1:*"


class ServerProcess:
    """`stem_sharing.py server` in a folder. `kill` ends it as nothing that could be caught."""

    def __init__(self, folder: Path, *options: str, address: str = FREE) -> None:
        command = [sys.executable, str(ROOT / "launcher" / "stem_sharing.py"), "server", "--address", address, *options]
        self._process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self.said: list[str] = []
        assert self._process.stdout
        for line in self._process.stdout:
            self.said.append(line)
            if line.startswith("listening at "):
                break
        else:
            raise AssertionError(f"the server ended with {self._process.wait()}: {self.said}")
        self.address = self.said[-1].split()[2].rstrip(",")

    def children(self, part: str) -> list[int]:
        """Processes that it has started, with this in their command line."""
        return [child for child in descendants(self.pid) if part in command_line(child)]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self.said += self._process.communicate(timeout=30)[0].splitlines(keepends=True)
            assert self._process.returncode == 128 + signal.SIGTERM


@contextmanager
def server(folder: Path, *options: str, address: str = FREE) -> Iterator[ServerProcess]:
    """One that is stopped at the end, unless it was killed."""
    process = ServerProcess(folder, *options, address=address)
    try:
        yield process
    finally:
        process.stop()


def planning(budget: float = 400.0) -> dict[str, Any]:
    """What to ask for a small schedule."""
    task = three_applications()
    setup = Setup([app.to_spec() for app in task.applications], {"stream_fps": 15}, task.network.to_spec())
    return planning_ask(Planning(setup, SchedulingOptions(budget=budget, scheduler="greedy"), "mainstream"))


def ask_for_schedules(address: str, count: int) -> dict[str, float]:
    """What each of so many jobs is asked for, as a client that doesn't give up: the budget by the job."""
    client = JobServer(address, patience_s=60)
    budgets = [112.0 + index for index in range(count)]
    return {client.submit(SCHEDULE, planning(budget)): budget for budget in budgets}


def in_the_file(data: Path, state: str) -> Counter[str]:
    """How often each job has been given a state, as Redis's append-only file has it."""
    text = b"".join(path.read_bytes() for path in sorted((data / "appendonlydir").glob("*.aof"))).decode()
    key, value = r"tunewright:stems:job:([0-9a-f]+)\r\n", re.escape(f"\r\nstate\r\n${len(state)}\r\n{state}\r\n")
    return Counter(re.findall(rf"\$\d+\r\nHSET\r\n\$\d+\r\n{key}\$5{value}", text, re.IGNORECASE))
