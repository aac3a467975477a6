"""Work in a fork may end in any way without harm to who has asked for it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from eval.baselines.tvm.in_fork import in_fork


def test_returns_the_number() -> None:
    assert in_fork(lambda: 2.5, 10.0) == 2.5


def test_nothing_of_it_stays_here() -> None:
    seen: list[int] = []

    def work() -> float:
        seen.append(os.getpid())
        return float(os.getpid())

    assert in_fork(work, 10.0) not in (None, float(os.getpid()))
    assert seen == []


def test_an_error_or_a_crash_is_no_number() -> None:
    def fail() -> float:
        raise ValueError("no")

    def crash() -> float:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        signal.raise_signal(signal.SIGSEGV)
        return 1.0

    assert in_fork(fail, 10.0) is None
    assert in_fork(crash, 10.0) is None
    assert in_fork(lambda: 1.0, 10.0) == 1.0


def test_work_that_does_not_end_is_ended() -> None:
    def spin() -> float:
        while True:
            pass

    def sleep() -> float:
        time.sleep(1000)
        return 1.0

    assert in_fork(spin, 0.2) is None
    assert in_fork(sleep, 0.1) is None


def test_leaves_no_process_and_no_file_behind() -> None:
    def left() -> tuple[int, str]:
        process = Path("/proc/self")
        children = process / "task" / str(os.getpid()) / "children"
        return len(list((process / "fd").iterdir())), children.read_text()

    before = left()
    for limit_s in (10.0, 10.0, 0.1):
        in_fork(lambda: time.sleep(0.2) or 1.0, limit_s)
    assert left() == before
