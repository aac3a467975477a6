"""A server of jobs as who asks it sees it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from launcher.stem_server.job import CANCELLED, DONE, FAILED
from launcher.stem_server.messages import LONGEST_BYTES, Later, line_to, read_answer
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.stem_sharing.executor.calls import CONNECT_S, Gone, Locked, ask

ANSWER_S = 30.0
"""Until there has to be an answer; the server may be waiting for its Redis to read what it has kept."""
LEAST_CONNECT_S = 1.0
"""For a busy machine to connect, however little patience is left: else a server that is there seems gone."""
RETRY_S = 0.2
FIRST_LOOK_S, LAST_LOOK_S = 0.05, 1.0
"""Between two looks at a job, which become rarer the longer it takes."""
ENDED = (DONE, FAILED, CANCELLED)


class ServerGone(TunewrightError):
    """Nobody answers, or the server's Redis doesn't."""


class JobServer:
    """At an address such as tcp://127.0.0.1:5556."""

    def __init__(self, address: str, token: str | None = None, patience_s: float = 10.0) -> None:
        """While server or Redis are gone, questions are asked again for `patience_s`."""
        self._line, self._patience_s = line_to(address, token), patience_s

    def ask(self, do: str, **content: Any) -> dict[str, Any]:
        """Raises ServerGone, UserError for a wrong token, and whatever the server refuses with."""
        message = json.dumps({"do": do, **content}).encode()
        if len(message) > LONGEST_BYTES:
            raise UserError(f"this is too much to ask for at once: {len(message)} of {LONGEST_BYTES} bytes")
        end = time.monotonic() + self._patience_s
        while True:
            try:
                left = max(LEAST_CONNECT_S, end - time.monotonic())
                return read_answer(ask(self._line, message, min(CONNECT_S, left), ANSWER_S))
            except Locked as error:
                raise UserError(
                    f"server {self._line.address}: {error}; give the --token that it was started with"
                ) from None
            except Later as error:
                why = str(error)
            except Gone as error:
                why = f"{error}; start it (stem_sharing.py server), or correct --address"
            if time.monotonic() > end:
                raise ServerGone(f"server {self._line.address}: {why}")
            time.sleep(RETRY_S)

    def submit(self, kind: str, wanted: Mapping[str, Any], replace: bool = False) -> str:
        """The new job, which is kept by then."""
        job = secrets.token_hex(6)
        self.ask("submit", id=job, kind=kind, ask=wanted, replace=replace)
        return job

    def follow(self, job: str, tell: Callable[[str], None]) -> dict[str, Any]:
        """The job when it has ended, with all of its lines; `tell` gets each one as it comes."""
        lines: list[str] = []
        pause = FIRST_LOOK_S
        while True:
            found = self.ask("job", id=job, lines_from=len(lines))
            for line in found["lines"]:
                tell(line)
            lines += found["lines"]
            if found["state"] in ENDED:
                return {**found, "lines": lines}
            time.sleep(pause)
            pause = min(LAST_LOOK_S, 1.5 * pause)
