"""Running `slurm/devcluster` and SLURM's programs, and what is left of a cluster on this host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

DEVCLUSTER = Path(__file__).parent.parent / "slurm" / "devcluster"


def devcluster(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command of it, with variables added to the environment."""
    command = [sys.executable, str(DEVCLUSTER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | environment)


def output(*command: str) -> str:
    """What a program of SLURM prints. It must succeed."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


def wait_until(condition: Callable[[], object], what: str, patience_s: float = 120.0) -> None:
    """Patience is for busy machines; it costs only where the condition never holds."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, f"not within {patience_s} s: {what}"
        time.sleep(0.2)


def processes_that_know(folder: Path) -> list[str]:
    """The command lines of all processes that have the cluster's folder in their environment or command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            told = command + (process / "environ").read_bytes()
        except OSError:
            continue
        if f"{folder}/".encode() in told and process.name != str(os.getpid()):
            found.append(command.replace(b"\0", b" ").decode())
    return found
