"""How far a comparison has come, and how long it will still take: a bar, or a line a minute in a log."""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from eval.bookkeeping import Progress

LOG_EVERY_S = 60.0
UNKNOWN = "-:--:--"


class ComparisonBar:
    """Told of each search that has ended. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _TimeLeft())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("comparing", total=None, ends=None)
        self._logged = time.monotonic()

    def __call__(self, ended: Progress) -> None:
        now = time.monotonic()
        ends = None if ended.seconds_left is None else now + ended.seconds_left
        where = f"{ended.benchmark} {ended.method}"
        self._bar.update(self._task, completed=ended.done, total=ended.total, description=where, ends=ends)
        if self._bar.disable and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            print(f"{ended.done} of {ended.total} searches, {duration(ended.seconds_left)} left", flush=True)

    def __enter__(self) -> ComparisonBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def duration(seconds: float | None) -> str:
    """As h:mm:ss."""
    return UNKNOWN if seconds is None else str(timedelta(seconds=round(seconds)))


class _TimeLeft(ProgressColumn):
    """Counts down to the expected end. rich's own column knows the pace only of what this process has done."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        ends = task.fields["ends"]
        left = None if ends is None else max(0.0, ends - time.monotonic())
        return Text(duration(left), style="progress.remaining")
