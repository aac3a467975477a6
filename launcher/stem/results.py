"""What applications see, as lines of JSON in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.pipeline import Seen


class Results:
    """Appends to a file, if there is one; each line is there at once."""

    def __init__(self, path: Path | None) -> None:
        """Raises UserError when the file can't be written."""
        self._file: IO[str] | None = None
        if path is not None:
            try:
                self._file = path.open("a", buffering=1)
            except OSError as error:
                raise UserError(f"--results {path} can't be written: {error}; choose another file") from None

    def add(self, seen: Seen) -> None:
        if self._file:
            self._file.write(json.dumps(seen._asdict()) + "\n")
