"""Cores that processes share: never two holders, and none lost with a process that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rllib_envs.cores import CoreLocks, physical_cores, run_on
from tests.conftest import ROOT

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

HOLD = """
import sys, time
from pathlib import Path
from rllib_envs.cores import CoreLocks, run_on

folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
locks = CoreLocks(folder / "locks")
for _ in range(rounds):
    with locks.hold() as core:
        run_on(core)
        mark = folder / f"held-{min(core)}"
        mark.touch(exist_ok=False)  # fails where another one holds the same core
        print("held", flush=True)
        time.sleep(float(sys.argv[3]))
        mark.unlink()
"""


def start(folder: Path, rounds: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder), str(rounds), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_each_processor_belongs_to_one_core() -> None:
    cores = physical_cores()
    assert cores and sum(map(len, cores)) == len(frozenset().union(*cores))


@needs_linux
def test_no_two_processes_hold_one_core(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    holders = [start(tmp_path, rounds=50, seconds=0.001) for _ in range(len(physical_cores()) + 3)]
    assert [holder.wait(60) for holder in holders] == [0] * len(holders)


@needs_linux
def test_a_killed_holder_frees_its_core(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    holders = [start(tmp_path, rounds=1, seconds=600) for _ in physical_cores()]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
    for holder in holders:
        holder.kill()
        holder.wait()
    locks = CoreLocks(tmp_path / "locks")
    with locks.hold() as core:
        assert core in physical_cores()


@pytest.mark.skipif(len(physical_cores()) < 2, reason="needs two cores")
def test_the_core_held_last_is_taken_again(tmp_path: Path) -> None:
    locks = CoreLocks(tmp_path)
    with CoreLocks(tmp_path).hold() as first, locks.hold() as second:
        assert first != second
    with locks.hold() as again:
        assert again == second


@needs_linux
def test_a_process_stays_on_its_core() -> None:
    allowed = os.sched_getaffinity(0)
    core = physical_cores()[-1]
    try:
        run_on(core)
        assert os.sched_getaffinity(0) == core
    finally:
        os.sched_setaffinity(0, allowed)
