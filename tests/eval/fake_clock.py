"""Time as a test wants it."""

from __future__ import annotations


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
