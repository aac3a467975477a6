"""The process beside a training that keeps its mirror up to date, so that training waits for nobody.

Started by `LiveMirror` as `python -m launcher.tracking.mirror_process RUN OWNER`. On its standard input it reads the
key, a line, and later how training has ended, another; when that closes without a word, training was killed. Its
failures are counted in `wandb.json`.

Each attempt is a process of its own, because the client of W&B can't try the same run twice in one.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path

from launcher.tracking.mirror import Mirror
from launcher.tracking.mirrored import Mirrored
from models.interrupts import descendants
from models.store.run_directory import RunDirectory
from rllib_envs.errors import TunewrightError

POLL_S = 2.0
"""Between two looks for news."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
"""After a failure; twice as long after each further one."""
LAST_LIMIT_S = 120.0
"""For what is left when training was killed and nobody waits any more."""
NICENESS = 10
DONE = "done"
"""What is said of a training that has ended by itself."""
ARRIVED, FAILED, FAILED_AT_THE_END = 0, 1, 2
"""Exit statuses of an attempt."""


class Line:
    """What training says. Read without a buffer, so that it reaches whichever process asks."""

    def __init__(self) -> None:
        self.end: str | None = None
        """How training has ended; "" where it was killed, None before."""

    def read(self) -> str:
        """The next line; "" when the other side has gone."""
        text = bytearray()
        while (byte := os.read(0, 1)) not in (b"", b"\n"):
            text += byte
        return text.decode()

    def ended(self, within_s: float) -> bool:
        """Whether training has ended, after waiting for so long at most."""
        if self.end is None and select.select([0], [], [], within_s)[0]:
            self.end = self.read()
            limit = threading.Timer(LAST_LIMIT_S, _give_up)
            limit.daemon = True
            limit.start()
        return self.end is not None


def _give_up() -> None:
    for process in (*descendants(os.getpid()), os.getpid()):
        os.kill(process, signal.SIGKILL)


def keep_up(run: RunDirectory, key: str, owner: int, line: Line) -> None:
    """Attempt to mirror until everything has arrived, or the last attempt after the end has failed."""
    pause = FIRST_PAUSE_S
    while True:
        last = line.end is not None
        attempt = os.fork()
        if not attempt:
            os._exit(_attempt(run, key, owner, line))
        status = os.waitstatus_to_exitcode(os.waitpid(attempt, 0)[1])
        if status != FAILED or last:
            return
        line.ended(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _attempt(run: RunDirectory, key: str, owner: int, line: Line) -> int:
    try:
        with Mirror(run, key, owner) as mirror:
            while not line.ended(POLL_S):
                mirror.update()
            mirror.update()
            mirror.succeeded = line.end == DONE
        mirror.confirm()
    except (TunewrightError, OSError) as error:
        note_failure(run.path, str(error))
        return FAILED if line.end is None else FAILED_AT_THE_END
    return ARRIVED


def note_failure(run: Path, error: str) -> None:
    mirrored = Mirrored.of(run)
    if mirrored is not None:
        mirrored.failed(error).write(run)


def main(arguments: list[str]) -> None:
    os.nice(NICENESS)
    line = Line()
    keep_up(RunDirectory.open(arguments[0]), line.read(), int(arguments[1]), line)


if __name__ == "__main__":
    main(sys.argv[1:])
