"""Signals that end training, kept out of the moments in which a half-made change could be saved."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)
"""Ctrl-C; what a system sends before it stops a process; what SLURM is often told to send before a job's time is up."""
EXIT_CODE = 130


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, as Linux lists them; those that end while it is looked may be missing."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        started = _children(Path(f"/proc/{waiting.pop()}/task"))
        found += started
        waiting += started
    return found


def _children(threads: Path) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in threads.iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


class Interrupts:
    """Turns a signal into a KeyboardInterrupt at the next sound moment. As a context manager it installs itself.

    The exception is raised wherever the main thread is, waiting included, unless it is inside `held`: then at the end
    of that. Further signals are ignored while what the first one asked for is done, but a second Ctrl-C ends the
    process at once. Code between here and where it is caught may replace the exception, so `reason` is what to ask.
    Inside another one, its reason becomes the outer one's, too.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        """The name of the signal that asked for the end; None as long as there was none."""
        self._due = False
        self._depth = 0
        self._lock = threading.RLock()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        # Signals are the main thread's; in another one, as in a sweep, they are somebody else's to handle.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
            around = getattr(handler, "__self__", None)
            if isinstance(around, Interrupts):
                around.reason = around.reason or self.reason

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None:
            if number == signal.SIGINT:
                os.write(2, b"ended at once; what was saved before is complete\n")
                for child in descendants(os.getpid()):
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(child, signal.SIGKILL)
                os._exit(EXIT_CODE)
            return
        self.reason, self._due = signal.Signals(number).name, True
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._due and not self._depth:
            raise KeyboardInterrupt(self.reason)

    def check(self) -> None:
        """Raise what is due, also where the first attempt was lost: Python drops what is raised in a `__del__`."""
        if threading.current_thread() is threading.main_thread():
            self._raise_if_due()

    def accept(self) -> None:
        """The interrupt has been noticed and is being acted upon; it is not raised again."""
        self._due = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """No interrupt in this block, and no other thread in such a block of the same object."""
        main = threading.current_thread() is threading.main_thread()
        self._depth += main
        try:
            with self._lock:
                yield
        finally:
            self._depth -= main
        self.check()
