"""The mirror of a run while it trains, as the training sees it: it is started, and at the end not waited for long."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from launcher.tracking.advice import explained
from launcher.tracking.client_folder import CLIENT_FOLDER, LOG
from launcher.tracking.client_log import ClientLog
from launcher.tracking.mirror_process import DONE
from launcher.tracking.mirror_watch import MirrorWatch
from launcher.tracking.mirrored import Mirrored, note_failure
from launcher.tracking.settings import finish_limit_s
from models.interrupts import descendants
from rllib_envs.child_process import child_environment
from rllib_envs.errors import UserError

INTERRUPTED_LIMIT_S = 10.0
"""For what is left when training was ended by a signal."""


class LiveMirror:
    """Runs the mirror's process for as long as the block, and says afterwards what has become of it."""

    def __init__(self, run: Path, key: str) -> None:
        folder = run / CLIENT_FOLDER
        folder.mkdir(exist_ok=True)
        self._run = run
        self._limit_s = finish_limit_s()
        self._watch = MirrorWatch(run)
        self._temporary = tempfile.TemporaryDirectory(prefix="tww-", ignore_cleanup_errors=True)
        with (folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "launcher.tracking.mirror_process", str(run), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**child_environment(), "TMPDIR": self._temporary.name},
                start_new_session=True,  # a signal for training is none for it: it has the end to report
            )
        self._say(key)

    def __enter__(self) -> LiveMirror:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.stop()
        self._say(DONE if kind is None else kind.__name__)
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._wait(INTERRUPTED_LIMIT_S if isinstance(error, KeyboardInterrupt) else self._limit_s)
        self._temporary.cleanup()
        print(self._outcome() + "\n", end="", flush=True)  # in one piece, for a sweep trains in threads

    def _wait(self, limit_s: float) -> None:
        """For its process, which is killed when that takes too long."""
        try:
            status = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            for process in (*descendants(self._process.pid), self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()
            self._note(self._late(limit_s))
        else:
            if status < 0:
                self._note(f"the mirror's process was ended by signal {-status}")
            elif status:
                self._note(f"the mirror's process has failed; {self._run / CLIENT_FOLDER / LOG} says why")

    def _note(self, error: str) -> None:
        with contextlib.suppress(OSError, UserError):  # what can't be noted must not harm what was trained
            note_failure(self._run, error)

    def _late(self, limit_s: float) -> str:
        """What the client met last, or else what failed before, will be the reason."""
        known, _ = self._known()
        noted = explained(ClientLog(self._run).read().failed) or (known.error if known else "")
        return f"not everything had arrived {limit_s:g} s after the end of training{f': {noted}' if noted else ''}"

    def _outcome(self) -> str:
        known, why = self._known()
        if known is not None and known.complete:
            return f"Weights & Biases: {known.url}"
        if known is not None and known.failures:
            why = f"{known.failures} failure{'s' * (known.failures > 1)}, the last: {known.error}"
        return (
            f"Weights & Biases lacks a part of the run{f' ({why})' if why else ''}; later:  tunewright sync {self._run}"
        )

    def _known(self) -> tuple[Mirrored | None, str]:
        """What was noted, and what is wrong with the note."""
        try:
            return Mirrored.of(self._run), ""
        except UserError as error:
            return None, str(error)

    @property
    def _stdin(self):  # type: ignore[no-untyped-def]
        assert self._process.stdin is not None
        return self._process.stdin

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self._stdin.write(f"{line}\n".encode())
            self._stdin.flush()
