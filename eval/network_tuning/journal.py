"""All trials of a network's tuning as lines of JSON, from which an interrupted one goes on.

The first line says what was tuned by whom. Each other is a trial: `{"kernel", "schedule", "seconds", "status", "at"}`,
with a gene or a trace as its schedule, null for the kernel without one; `seconds` is null where it failed, and `at`
says how many seconds had been spent on tuning by then.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.protocol import OK, Schedule

FORMAT = 1
TRIALS = "trials.jsonl"
"""How the file is called."""


@dataclass(frozen=True)
class Trial:
    """What was measured."""

    kernel: str
    """The task's text."""
    schedule: Schedule | None
    seconds: float
    """0 where it failed."""
    status: str
    at: float

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps({**vars(self), "seconds": self.seconds or None, "at": round(self.at, 3)})

    @classmethod
    def from_line(cls, line: str) -> Trial:
        """What `to_line` wrote. ValueError, KeyError or TypeError for anything else."""
        content = json.loads(line)
        schedule, seconds = content["schedule"], content["seconds"]
        trial = cls(
            str(content["kernel"]),
            tuple(map(int, schedule)) if isinstance(schedule, list) else schedule,
            0.0 if seconds is None else float(seconds),
            str(content["status"]),
            float(content["at"]),
        )
        if not (math.isfinite(trial.seconds) and trial.seconds >= 0 and (trial.seconds > 0) == (trial.status == OK)):
            raise ValueError("its seconds and status don't go together")
        return trial


class Journal:
    """The file, open for more trials."""

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        """Begin the file, or go on with one that was begun with the same `head`. Half a last line is cut off.

        UserError where it was begun with another one, is damaged, or can't be written.
        """
        self.path = path
        self.trials: list[Trial] = []
        """Of earlier runs."""
        try:
            if path.exists():
                self._read(head)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"tuning": FORMAT, **head}) + "\n")
            self._file = path.open("a")
        except OSError as error:
            raise UserError(f"{path} can't be written: {error.strerror}; choose another save_path") from None

    def add(self, trial: Trial) -> None:
        """On the disk when this returns, as far as another process can see."""
        self._file.write(trial.to_line() + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _read(self, head: Mapping[str, Any]) -> None:
        written = self.path.read_bytes()
        whole = written[: written.rfind(b"\n") + 1]
        first, *lines = whole.decode(errors="replace").splitlines() or [""]
        before = _head(first)
        if before is None:
            raise UserError(f"{self.path} is no journal of tuning; remove it, or choose another save_path")
        for name, value in head.items():
            if before.get(name) != value:
                raise UserError(
                    f"{self.path} was begun with {name.replace('_', ' ')} {before.get(name)!r}, not {value!r}; "
                    "choose another save_path"
                )
        for number, line in enumerate(lines, 2):
            try:
                self.trials.append(Trial.from_line(line))
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"{self.path}, line {number} is damaged ({error}); remove it") from None
        if whole != written:
            os.truncate(self.path, len(whole))


def _head(line: str) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) and content.get("tuning") == FORMAT else None
