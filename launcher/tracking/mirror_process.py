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
import tempfile
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from launcher.tracking.client_folder import LAST_LIMIT_S, temporary_folder
from launcher.tracking.mirror import Mirror
from launcher.tracking.mirrored import note_failure
from launcher.tracking.settings import load_wandb
from models.interrupts import SIGNALS, descendants
from models.store.run_directory import RunDirectory
from rllib_envs.child_process import die_with_parent
from rllib_envs.errors import TunewrightError

POLL_S = 2.0
"""Between two looks for news."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0
"""After a failure; twice as long after each further one."""
NICENESS = 10
DONE = "done"
"""What is said of a training that has ended by itself."""
ARRIVED, FAILED, FAILED_AT_THE_END = range(3)
"""Exit statuses of an attempt. A failure that it could not note itself has another one."""


class Line:
    """What training says. Read without a buffer, so that it reaches whichever process asks."""

    def __init__(self, run: Path) -> None:
        self.end: str | None = None
        """How training has ended; "" where it was killed, None before."""
        self._run = run

    def read(self) -> str:
        """The next line; "" when the other side has gone."""
        text = bytearray()
        while (byte := os.read(0, 1)) not in (b"", b"\n"):
            text += byte
        return text.decode()

    def ended(self, within_s: float) -> bool:
        """Whether training has ended, after waiting for so long at most. From then on this process has a limit."""
        if self.end is None and select.select([0], [], [], within_s)[0]:
            self.end = self.read()
            limit = threading.Timer(LAST_LIMIT_S, self._give_up)
            limit.daemon = True
            limit.start()
        return self.end is not None

    def _give_up(self) -> None:
        note_failure(self._run, f"what was left at the end of training has not arrived in {LAST_LIMIT_S:g} s")
        for process in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        os._exit(FAILED_AT_THE_END)


def keep_up(run: RunDirectory, key: str, owner: int, line: Line) -> None:
    """Attempt to mirror until everything has arrived, or the last attempt after the end has failed."""
    pause = FIRST_PAUSE_S
    while True:
        last = line.end is not None
        with temporary_folder():
            status = attempt_apart(run, key, owner, line)
        if status not in (ARRIVED, FAILED, FAILED_AT_THE_END):
            note_failure(run.path, f"the mirror's process was ended with status {status}")
        if status in (ARRIVED, FAILED_AT_THE_END) or last:
            return
        line.ended(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def attempt_apart(run: RunDirectory, key: str, owner: int, line: Line) -> int:
    """The exit status of an attempt in a process of its own, which ends with this one; negative for a signal's."""
    parent = os.getpid()
    child = os.fork()
    if not child:
        status = FAILED
        try:
            die_with_parent(parent)
            status = attempt(run, key, owner, line)
        except (TunewrightError, OSError):  # it could not be noted
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attempt(run: RunDirectory, key: str, owner: int, line: Line) -> int:
    """One connection for as long as it works and training goes on. A failure is noted, whatever it is."""
    try:
        with Mirror(run, key, owner) as mirror:
            while not line.ended(POLL_S):
                mirror.update()
            mirror.update()
            mirror.succeeded = line.end == DONE
    except Exception as error:  # what it must not do is go unnoticed
        if not isinstance(error, TunewrightError):
            traceback.print_exc()
        note_failure(run.path, str(error) or type(error).__name__)
        return FAILED if line.end is None else FAILED_AT_THE_END
    return ARRIVED


def main(arguments: list[str]) -> None:
    os.nice(NICENESS)
    for number in SIGNALS:
        # A cluster sends them to every process of a job. It is training that ends for them, and that says so.
        signal.signal(number, signal.SIG_IGN)
    run = RunDirectory.open(arguments[0])
    line = Line(run.path)
    with temporary_folder():
        load_wandb()  # once for all attempts
        keep_up(run, line.read(), int(arguments[1]), line)
    with suppress(OSError):  # not empty, or gone
        Path(tempfile.gettempdir()).rmdir()  # it was made for this process, and training may have been killed


if __name__ == "__main__":
    main(sys.argv[1:])
