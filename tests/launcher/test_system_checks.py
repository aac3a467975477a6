"""What `tunewright doctor` says of the machine around a training."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from launcher import system_checks
from launcher.system_checks import clock, disk, shared_memory, slurm

Usage = namedtuple("Usage", "total used free")


def test_no_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert slurm().startswith("not here: tunewright launch runs on this machine")


def test_slurm_that_is_installed_but_not_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CONF", raising=False)
    assert slurm().startswith("not here: tunewright launch runs on this machine")


def test_slurm_without_a_controller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "missing.conf"))
    assert slurm() == "its controller does not answer: is it up, and SLURM_CONF right?"


@pytest.mark.usefixtures("slurm_cluster")
def test_slurm_with_one() -> None:
    told = slurm()
    assert told.startswith("slurm") and "3 nodes in main" in told


def test_little_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert disk(tmp_path).endswith(f"free in {tmp_path}")
    assert "free" in shared_memory()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 30, 0, 100 << 20))
    assert disk(tmp_path) == f"100 MiB free in {tmp_path}: make room, or set LOOP_TOOL_ROOT to another disk"
    assert shared_memory() == "100 MiB free: give more, in a container with --shm-size=2g"


def test_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert clock(tmp_path) == "agrees with the file system's"
    now = system_checks.time.time()
    monkeypatch.setattr(system_checks.time, "time", lambda: now + 60)
    assert clock(tmp_path).startswith("is 60 s ahead of the file system's: set it")
