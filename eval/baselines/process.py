"""The process of a library, as the one that asks sees it."""

from __future__ import annotations

from typing import Any

from eval.baselines.protocol import Answer, Request
from rllib_envs.errors import TunewrightError
from rllib_envs.measuring_process import MeasuringProcess

MODULE = "eval.baselines.child"
START_LIMIT_S = 180.0
"""For importing a library of hundreds of megabytes, perhaps from a cold network drive."""


class LibraryProcess:
    """Started at the first request, and again when it was lost. A copy made by pickling starts one of its own."""

    def __init__(self, library: str) -> None:
        self.library = library
        self._process: MeasuringProcess | None = None
        self._unusable: TunewrightError | None = None
        """Why the library can't be started. It is not tried again."""

    def ask(self, request: Request, limit_s: float) -> Answer:
        """Raises Lost when the process crashes or gives no answer in time, and TunewrightErrors that it raises."""
        if self._unusable is not None:
            raise self._unusable
        if self._process is None or not self._process.usable():
            self.close()
            try:
                self._process = MeasuringProcess(MODULE, self.library, start_limit_s=START_LIMIT_S)
            except TunewrightError as error:
                self._unusable = error
                raise
        answer: Answer = self._process.ask(request, limit_s)
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": None}
