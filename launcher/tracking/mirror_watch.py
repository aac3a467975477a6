"""A line for the person when the mirror of a run that trains begins to fail, and whenever it fails in another way."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from launcher.tracking.mirrored import Mirrored
from rllib_envs.errors import UserError

INTERVAL_S = 10.0


class MirrorWatch:
    """A thread that looks at what the mirror's process has noted."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._told = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(INTERVAL_S):
            try:
                mirrored = Mirrored.of(self._run)
            except UserError as error:
                self._tell(str(error))
            else:
                self._tell(mirrored.error if mirrored else "")

    def _tell(self, error: str) -> None:
        if error and error != self._told:
            print(f"warning: Weights & Biases: {error}; training goes on", file=sys.stderr, flush=True)
            self._told = error
