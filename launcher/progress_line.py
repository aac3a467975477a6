"""How far a long command is, as a line from time to time."""

from __future__ import annotations

import time

REPORT_S = 10.0
SECONDS_AT_MOST = 300.0
"""Above that, what is left is said in minutes."""


class ProgressLine:
    """Called with how much is done; only what is made after the first call counts for the time left."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._began = self._said = time.monotonic()
        self._before: int | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._before is None:
            self._before, self._began = done, now
        if now - self._said < REPORT_S and done < total:
            return
        self._said = now
        made = done - self._before
        left = f", {_duration((total - done) * (now - self._began) / made)} left" if made else ""
        print(f"{done} of {total} {self._unit}{left}", flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds <= SECONDS_AT_MOST else f"{seconds / 60:.0f} minutes"
