"""The record store: a file of measured evaluations that any number of processes read and extend.

One JSON object a line, appended under a lock and never changed. Nothing is measured twice by those who share a file:
each reads it when it starts, and what others have added from time to time.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rllib_envs.errors import UserError
from rllib_envs.problem import Evaluation

REFRESH_S = 0.1
"""What others have added is read at most this often, because each look costs a millisecond on a network drive. A line
of theirs costs 10 microseconds, a state measured twice a hundred times that."""
RECORDS_KEPT = 500_000
"""Of the newest records each process knows the place in the file; at about 150 bytes each that is 75 MB."""
TYPICAL_LINE = 600
"""Bytes. Of a file longer than RECORDS_KEPT such lines only the end is read, which takes about 6 seconds."""
HEAD = 1 << 16
"""Bytes at the start of a file in which a record is looked for before anything is added to it."""
FIRST_FIELD = b'{"problem": '

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One evaluation, and what it is an evaluation of."""

    problem: str
    benchmark: str
    """The task as text, as in `RecordKey`."""
    solution: str
    measured_on: str
    """Hardware and measuring method, as `Problem.measured_on` tells them."""
    evaluation: Evaluation
    when: str
    """UTC, such as 2026-01-31T23:59:59Z."""

    def to_line(self) -> bytes:
        """ValueError when a figure is NaN or infinite."""
        content = {
            "problem": self.problem,
            "benchmark": self.benchmark,
            "solution": self.solution,
            **vars(self.evaluation),
            "details": dict(self.evaluation.details),
            "measured_on": self.measured_on,
            "when": self.when,
        }
        return json.dumps(content, allow_nan=False, default=float).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Record:
        """ValueError when it is none."""
        try:
            content = json.loads(line)
            place = [content.pop(name) for name in ("problem", "benchmark", "solution", "measured_on", "when")]
            evaluation = Evaluation(**content)
            texts = (*place, evaluation.unit, evaluation.error, evaluation.how)
            figures = (evaluation.value, evaluation.scale, *evaluation.details.values())
            flags = (evaluation.higher_is_better, evaluation.doubtful)
            sound = (
                all(type(text) is str for text in texts)
                and all(type(flag) is bool for flag in flags)
                and all(map(math.isfinite, figures))
                and evaluation.scale > 0
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"no record: {error}") from None
        if not sound:
            raise ValueError("no record: a text or a figure is not what it should be")
        problem, benchmark, solution, measured_on, when = place
        return cls(problem, benchmark, solution, measured_on, evaluation, when)


def read_records(path: Path) -> Iterator[tuple[int, Record | None]]:
    """Every line of a file with its number; None where it holds no record. A last line without its end is left out.

    Raises UserError when the file can't be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield number, _record(line)
    except OSError as error:
        raise UserError(f"record file {path} can't be read: {error.strerror}") from None


class RecordStore:
    """The evaluations in one file. Not for use by several threads at once; processes and forks share it freely.

    Only the places of records are held in memory. Where a state was recorded more than once the last record counts,
    except that a doubtful one never replaces another.
    """

    def __init__(self, path: str | Path, *, measure_doubtful: bool = False) -> None:
        """Nothing is written before the first record. Raises UserError for a path that can't be a record file.

        With `measure_doubtful`, what the file says doubtfully at the first reading counts as unknown.
        """
        self.path = Path(path).absolute()
        _require_record_file(self.path)
        self._skip_doubtful = measure_doubtful
        self._places: dict[int, int] = {}
        """Byte offset of a line by the hash of its key. Equal hashes are told apart when the line is read."""
        self._end = 0
        """Up to where the file was read."""
        self._read_at = -math.inf
        self._told_of_malformed = self._failed = False

    def find(self, problem: str, benchmark: str, solution: str, measured_on: str) -> Evaluation | None:
        """What is recorded of a solution; None when nothing is."""
        if self._failed:
            return None
        if time.monotonic() - self._read_at > REFRESH_S:
            self.refresh()
        key = (problem, benchmark, solution, measured_on)
        offset = self._places.get(hash(key))
        if offset is None:
            return None
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                record = _record(file.readline())
        except OSError as error:
            self._give_up("read", error)
            return None
        return record.evaluation if record is not None and _key(record) == key else None

    def add(self, problem: str, benchmark: str, solution: str, measured_on: str, evaluation: Evaluation) -> None:
        """Append a record. It is in the file, whole, when this returns."""
        if self._failed:
            return
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = Record(problem, benchmark, solution, measured_on, evaluation, when)
        try:
            offset = _append(self.path, record.to_line())
        except OSError as error:
            self._give_up("extended", error)
        else:
            self._note(record, offset)

    def refresh(self) -> None:
        """Read what was added to the file since the last time."""
        try:
            with self.path.open("rb") as file:
                self._read_on(file)
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            self._give_up("read", error)
        self._skip_doubtful = False
        self._read_at = time.monotonic()

    def _read_on(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        if size < self._end:  # it was replaced or cut
            self._forget()
        unread_limit = RECORDS_KEPT * TYPICAL_LINE
        if self._end == 0 and size > unread_limit:
            file.seek(size - unread_limit)
            self._end = file.tell() + len(file.readline())
        file.seek(self._end)
        for line in file:
            if not line.endswith(b"\n"):  # its writer is not done, or has died
                return
            record = _record(line)
            if record is not None:
                self._note(record, self._end)
            elif not self._told_of_malformed:
                self._told_of_malformed = True
                _log.warning("%s has lines that are no records, the first at byte %d: skipped", self.path, self._end)
            self._end += len(line)

    def _note(self, record: Record, offset: int) -> None:
        place = hash(_key(record))
        if record.evaluation.doubtful and (self._skip_doubtful or place in self._places):
            return
        self._places.pop(place, None)  # so that the newest come last
        self._places[place] = offset
        if len(self._places) > RECORDS_KEPT:
            del self._places[next(iter(self._places))]

    def _forget(self) -> None:
        self._places.clear()
        self._end = 0

    def _give_up(self, what: str, error: OSError) -> None:
        """A memory that fails costs repeated work; it is no reason to end a training."""
        self._failed = True
        _log.warning("record file %s can't be %s (%s); going on without it", self.path, what, error.strerror)


def _record(line: bytes) -> Record | None:
    try:
        return Record.from_line(line)
    except ValueError:
        return None


def _key(record: Record) -> tuple[str, str, str, str]:
    return record.problem, record.benchmark, record.solution, record.measured_on


def _append(path: Path, line: bytes) -> int:
    """Add a line to the file in one write; its byte offset. The file and its folder are made where they are missing."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    try:
        # Appending is atomic on local file systems; on network ones it needs the lock, where they have one.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        text = b"\n" + line if torn else line
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.lseek(descriptor, 0, os.SEEK_CUR) - len(line)
    finally:
        os.close(descriptor)


def _require_record_file(path: Path) -> None:
    """Raise UserError unless records can be read from and added to a file there, which need not exist yet."""
    try:
        if not path.exists():
            folder = next(parent for parent in path.parents if parent.exists())
            if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
                raise UserError(f"record file {path} can't be made: {folder} is no folder that can be written to")
            return
        if path.is_dir():
            raise UserError(f"{path} is a folder; name a file in it, such as {path / 'records.jsonl'}")
        if not os.access(path, os.W_OK):
            raise UserError(f"record file {path} can't be written; name another one")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise UserError(f"record file {path} can't be read: {error.strerror}") from None
    *lines, _ = head.split(b"\n")
    if head and not head.startswith(FIRST_FIELD) and all(_record(line) is None for line in lines):
        raise UserError(f"{path} is no record file; name another one, which may be new")
