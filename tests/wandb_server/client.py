"""A process that uses `wandb` as a test tells it to, line by line, so that faults can come and go in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE_S = 60.0
"""For the end of a client that was told to end."""

IMPATIENT = {
    "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "1",
    "WANDB__TRANSACTION_LOG_FLUSH_INTERVAL": "1",
    **{
        f"WANDB__{requests}_RETRY_WAIT_{bound}_SECONDS": "1"
        for requests in ("GRAPHQL", "FILE_STREAM", "FILE_TRANSFER")
        for bound in ("MIN", "MAX")
    },
}
"""Variables of a client that sends every second, not every 15, and tries again as often. It ignores fractions."""


class ClientError(Exception):
    """What the client raised: its kind and text."""


class Client:
    """Keeps its variables from one `do` to the next. Ends with the block."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        told, tell = os.pipe()
        heard, answer = os.pipe()
        # Pipes of their own, because what a client prints goes to its run's console.
        # And -P, or modules beside this file would be found under names that others may have meant.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(told), str(answer)],
            env=dict(environment),
            cwd=folder,
            pass_fds=(told, answer),
        )
        os.close(told)
        os.close(answer)
        self._tell, self._heard = os.fdopen(tell, "w"), os.fdopen(heard)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell.close()
        self._process.wait(PATIENCE_S)
        self._heard.close()

    def do(self, code: str) -> None:
        """Carry out Python statements, where `wandb` is imported. Raises ClientError when they raise."""
        self.start(code)
        self.result()

    def get(self, expression: str) -> Any:
        """The value of an expression, as JSON has it."""
        self.start(f"value = {expression}")
        return self.result()

    def start(self, code: str) -> None:
        """Begin to carry out statements; `result` waits for the end."""
        self._tell.write(json.dumps(code) + "\n")
        self._tell.flush()

    def result(self) -> Any:
        line = self._heard.readline()
        assert line, f"the client's process has ended with exit status {self._process.wait(PATIENCE_S)}"
        error, value = json.loads(line)
        if error is not None:
            raise ClientError(error)
        return value


def serve(told: int, answer: int) -> None:
    """What runs in the client's process."""
    variables: dict[str, Any] = {}
    exec("import wandb", variables)
    with os.fdopen(told) as lines, os.fdopen(answer, "w") as out:
        for line in lines:
            variables["value"], error = None, None
            try:
                exec(json.loads(line), variables)
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"
            out.write(json.dumps([error, variables["value"]]) + "\n")
            out.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
