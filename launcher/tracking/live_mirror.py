"""The mirror of a run while it trains, as the training sees it: it is started, and at the end not waited for long."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from launcher.tracking.mirror_process import DONE
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.settings import CLIENT_FOLDER
from models.interrupts import descendants
from rllib_envs.child_process import child_environment

LOG = "mirror.log"
"""What the process says, in the client's folder."""
FINISH_LIMIT_S, INTERRUPTED_LIMIT_S = 60.0, 10.0
"""For what is left when training has ended, by itself or by a signal."""


class LiveMirror:
    """Runs the mirror's process for as long as the block, and says afterwards what has become of it."""

    def __init__(self, run: Path, key: str) -> None:
        folder = run / CLIENT_FOLDER
        folder.mkdir(exist_ok=True)
        self._run = run
        with (folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "launcher.tracking.mirror_process", str(run), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=child_environment(),
                start_new_session=True,  # a signal for training is none for it: it has the end to report
            )
        self._say(key)

    def __enter__(self) -> LiveMirror:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say(DONE if kind is None else kind.__name__)
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(INTERRUPTED_LIMIT_S if isinstance(error, KeyboardInterrupt) else FINISH_LIMIT_S)
        except subprocess.TimeoutExpired:
            for process in (*descendants(self._process.pid), self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()
        print(self._outcome(), flush=True)

    def _outcome(self) -> str:
        mirrored = Mirrored.of(self._run)
        if mirrored is not None and mirrored.complete:
            return f"Weights & Biases: {mirrored.url}"
        why = f" ({mirrored.failures} failures, the last: {mirrored.error})" if mirrored and mirrored.failures else ""
        return f"Weights & Biases lacks a part of the run{why}; later:  tunewright sync {self._run}"

    @property
    def _stdin(self):  # type: ignore[no-untyped-def]
        assert self._process.stdin is not None
        return self._process.stdin

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self._stdin.write(f"{line}\n".encode())
            self._stdin.flush()
