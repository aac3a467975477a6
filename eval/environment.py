"""The machine and the versions behind a measurement, for its report."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOT = ROOT / "commit.txt"
"""In the copy of the code that a job runs: the commit in the first line, and below it what was changed since."""
PACKAGES = ("tunewright", "numpy", "loop_tool", "torch", "ray", "gymnasium")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe_environment() -> dict[str, str]:
    """What affects timings and reproduction. No host name, user name or path enters."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    block = {
        "processor": _processor(),
        "cores available": str(cores),
        "memory": f"{_memory() / 2**30:.0f} GiB",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()) + " (1, 5, 15 minutes)",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if GOVERNOR.is_file():
        block["frequency governor"] = GOVERNOR.read_text().strip()
    for package in PACKAGES:
        try:
            block[package] = version(package)
        except PackageNotFoundError:
            continue
    block["numpy's BLAS"] = _blas()
    commit = _commit()
    if commit:
        block["commit"] = commit
    block["written"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return block


def _memory() -> int:
    """Bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _commit() -> str:
    """What the code is, where that is known: the commit, and whether it was changed since."""
    if (ROOT / ".git").exists():
        ask = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=, changed since", "--exclude=*"]
        try:
            return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return ""
    if SNAPSHOT.is_file():
        commit, *changes = SNAPSHOT.read_text(errors="replace").split("\n", 1)
        return commit[:12] + (", changed since" if "".join(changes).strip() else "")
    return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _blas() -> str:
    config = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
