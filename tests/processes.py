"""The processes that a process has started, and which of them are left after its end."""

from __future__ import annotations

import time
from pathlib import Path

from models.interrupts import descendants


def command_lines(pid: int) -> dict[int, str]:
    """The command line of every process below `pid`, by process id."""
    return {child: command_line(child) for child in descendants(pid)}


def command_line(pid: int) -> str:
    """Empty when there is no such process, or when it has ended and waits to be collected."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits to be collected doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):  # it may end while it is looked at
        return False


def left_of(processes: dict[int, str], patience: float = 20.0) -> dict[int, str]:
    """Those that still run, after waiting for their end for `patience` seconds at most."""
    end = time.monotonic() + patience
    while (left := {pid: line for pid, line in processes.items() if command_line(pid)}) and time.monotonic() < end:
        time.sleep(0.1)
    return left
