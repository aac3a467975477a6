"""How a tuning gets on: a live line in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

from eval.network_tuning.tuning import Progress
from eval.wording import seconds, times

LEAST_MINUTES_S = 300.0
"""Shorter times are shown in seconds."""
SAY_EVERY_S = 30.0
"""Where the output is not a terminal."""


class LiveProgress:
    """Shows one network's tuning until the block ends."""

    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name = console, name
        self._status: Status | None = None
        self._said = -SAY_EVERY_S

    def __call__(self, progress: Progress) -> None:
        text = progress_text(self._name, progress)
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            self._console.print(text, highlight=False, markup=False)

    def __enter__(self) -> LiveProgress:
        if self._console.is_terminal:
            self._status = self._console.status(f"{self._name}: importing the network and preparing its kernels")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()


def progress_text(name: str, progress: Progress) -> str:
    """One line, such as `resnet18: 640 of 4000 trials, 5.2 of 20 min; kernels 2.31 s -> 45.1 ms (51.2x); conv2d`."""
    budget = progress.budget
    trials = f"{progress.trials}{_of(budget.evaluations)} trials"
    unit, name_of_unit = (60, "min") if (budget.seconds or progress.seconds) >= LEAST_MINUTES_S else (1, "s")
    spent = f"{progress.seconds / unit:.1f}{_of(budget.seconds and budget.seconds / unit)} {name_of_unit}"
    gain = f"{seconds(progress.before)} -> {seconds(progress.now)} ({times(progress.before / progress.now)})"
    kernel = f"; {progress.kernel}" if progress.kernel else ""
    return f"{name}: {trials}, {spent}; kernels {gain}{kernel}"


def _of(limit: float | None) -> str:
    return "" if limit is None else f" of {limit:g}"
