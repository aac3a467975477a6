"""The file `comparison.jsonl`: what a comparison has measured, line by line and at once, so that nothing is lost.

The first line is the setting. A comparison that was ended in whatever way goes on from its journal.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from eval.setting import difference
from models.store.atomic import NotWritten
from rllib_envs.errors import UserError

JOURNAL = "comparison.jsonl"
HEADER = "comparison"
SCHEMA_VERSION = 1


class Journal:
    """The journal of one comparison, open for one process at a time."""

    def __init__(self, folder: Path, setting: Mapping[str, str], *, replace: bool = False) -> None:
        """Open the journal in `folder`, which is made where it is missing.

        Raises UserError when another process has it open, when the file is none, and when it has another setting; with
        `replace`, a journal of another setting makes room for a new one. NotWritten where it can't be written.
        """
        self.path = folder / JOURNAL
        self.lines: list[Mapping[str, Any]] = []
        """What was there when it was opened, without the first line. A line that was cut off is left out."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise NotWritten(f"{self.path} can't be written: {error.strerror}; choose another place") from None
        try:
            self._lock()
            self._begin(dict(setting), replace)
        except BaseException:
            self.close()
            raise

    def append(self, content: Mapping[str, Any]) -> None:
        """Add a line. It is in the file, whole, when this returns, and otherwise not at all: then NotWritten."""
        line = json.dumps(content, allow_nan=False, default=float).encode() + b"\n"
        end = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, end)
            raise NotWritten(
                f"{self.path} can't be extended: {error.strerror}. What was measured before is in it; make room, and "
                "start again to go on"
            ) from None

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is comparing in {self.path.parent}; wait for it, or stop it") from None

    def _begin(self, setting: dict[str, str], replace: bool) -> None:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole:
            before, lines = _parse(whole, self.path)
            changes = difference(before, setting)
            if not changes:
                os.ftruncate(self._file, len(whole))
                self.lines = lines
                return
            if not replace:
                raise UserError(
                    f"{self.path.parent} holds a comparison under other conditions: {changes}. Choose another --out, "
                    "or remove it"
                )
        os.ftruncate(self._file, 0)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.append({"kind": HEADER, "schema_version": SCHEMA_VERSION, "setting": setting, "when": when})


def read_journal(folder: Path) -> tuple[Mapping[str, str], list[Mapping[str, Any]]]:
    """The setting and the lines of a journal that another process may have open. UserError where there is none."""
    path = folder / JOURNAL
    try:
        return _parse(path.read_bytes(), path)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from None


def _parse(content: bytes, path: Path) -> tuple[Mapping[str, str], list[Mapping[str, Any]]]:
    first, *lines = content.split(b"\n")
    header = _object(first)
    setting = header.get("setting")
    if header.get("kind") != HEADER or not isinstance(setting, dict):
        raise UserError(f"{path} is no journal of a comparison; choose another --out, or remove it")
    if header.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {header.get('schema_version')!r}; this installation reads version "
            f"{SCHEMA_VERSION}. Go on with the release that wrote it, or choose another --out"
        )
    return setting, [found for line in lines if (found := _object(line))]


def _object(line: bytes) -> dict[str, Any]:
    """Empty where the line is no JSON object: one that a crash has cut off, or that a disk has damaged."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
