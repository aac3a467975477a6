"""Training as it happens: a table on a terminal, one plain line an iteration in a log."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from models.training import Progress

ROWS_SHOWN = 12


class LiveProgress:
    """Shows iterations. Use it as a context manager around training; `seconds_before` were spent on it earlier."""

    def __init__(
        self, iterations: float, seconds: float, console: Console | None = None, seconds_before: float = 0.0
    ) -> None:
        self._console = console or Console()
        self._iterations = iterations
        self._seconds = seconds
        self._began = time.perf_counter() - seconds_before
        self._rows: deque[Progress] = deque(maxlen=ROWS_SHOWN)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None

    def __enter__(self) -> LiveProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._began

    def share_done(self, iteration: int) -> float:
        """How much of the training is behind us, by whichever limit comes first."""
        done = iteration / self._iterations if self._iterations else 1.0
        return min(1.0, max(done, self.elapsed / self._seconds))

    def show(self, progress: Progress) -> None:
        self._rows.append(progress)
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            print(self._line(progress), flush=True)

    def _left(self, progress: Progress) -> str:
        share = self.share_done(progress.iteration)
        seconds = round(self.elapsed * (1 - share) / share) if share else 0
        return f"{seconds // 60}:{seconds % 60:02d}"

    def _line(self, progress: Progress) -> str:
        cells = " ".join(f"{name} {cell}" for name, cell in _cells(progress).items())
        return f"{cells} | {self._left(progress)} left"

    def _table(self) -> Table:
        table = Table(caption=f"{self._left(self._rows[-1])} left", caption_justify="left")
        for name in _cells(self._rows[-1]):
            table.add_column(name, justify="right")
        for row in self._rows:
            table.add_row(*_cells(row).values())
        return table


def _cells(progress: Progress) -> dict[str, str]:
    def figure(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    return {
        "iteration": str(progress.iteration),
        "steps": f"{progress.env_steps:,}",
        "episodes": str(progress.episodes),
        "return": figure(progress.return_mean, ".3f"),
        "speed-up": figure(progress.speedup_mean, ".2f"),
        "best": figure(progress.best_speedup, ".2f"),
        "seconds": f"{progress.seconds:.0f}",
    }
