"""What the client of Weights & Biases tells in its log alone: that requests fail, and that it has given up.

Its calls raise nothing when metrics are refused, and name no status when an upload is. The log has a JSON object a
line; the names here are those of wandb 0.31. Where they are others, nothing is found and nothing else changes.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from launcher.tracking.client_folder import CLIENT_FOLDER

PLACE = "wandb/run-*/logs/debug-internal.log"
"""In the client's folder. One connection at a time has its logs there."""
GAVE_UP = "filestream: fatal error: "
FAILED = ("api: HTTP error", "api: retrying HTTP error")
UNREACHED = "api: retrying error"


class ClientLog:
    """The log of the client's connection in a run directory, as far as it goes at each `read`."""

    def __init__(self, run: Path) -> None:
        self._folder = run / CLIENT_FOLDER
        self._place = 0
        self.gave_up = ""
        """Why no more metrics are sent; empty as long as they are."""
        self.failed = ""
        """What the last request that failed met, such as "HTTP 413 Content Too Large for /storage"; else empty."""

    def read(self) -> ClientLog:
        for path in sorted(self._folder.glob(PLACE))[-1:]:
            with path.open("rb") as file:
                file.seek(self._place)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._place += len(line)
                    self._take(line)
        return self

    def _take(self, line: bytes) -> None:
        try:
            entry: dict[str, Any] = json.loads(line)
            message = str(entry["msg"])
        except (ValueError, TypeError, KeyError):
            return
        if message.startswith(GAVE_UP):
            self.gave_up = message.removeprefix(GAVE_UP)
        elif message in FAILED:
            self.failed = f"HTTP {_status(entry.get('status'))} for {urlsplit(str(entry.get('url', ''))).path}"
        elif message == UNREACHED:
            # The address before the last colons may be a signed one, which is a secret.
            self.failed = str(entry.get("error", "")).rpartition('": ')[2]


def _status(number: Any) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)
