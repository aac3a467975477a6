"""Files and folders that appear complete or not at all, whatever kills the process that writes them."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Arguments of Linux's renameat2(2): paths count from the working directory, and the two change places."""

LEAST_ROOM = 4 << 20
"""Bytes: some checkpoints of a small network, and their successors."""


class NotWritten(UserError):
    """A file or folder could not be written, for instance because the disk is full. What was there before still is."""


def check_room(folder: Path) -> None:
    """Raise NotWritten where the folder, which is made if need be, has no room for as much as any run writes.

    It is tried: neither a user's share of a disk nor what a folder allows can be asked for everywhere.
    """
    trial = folder / f".room-{os.getpid()}"  # others may try at the same time
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            trial.write_bytes(bytes(LEAST_ROOM))
            flush_to_disk(trial)
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritten(f"{folder} can't be written: {error}; make room, or choose another place") from None


@contextmanager
def new_directory(target: str | Path) -> Iterator[Path]:
    """Fill the folder that is handed out; when the block ends without an error it takes `target`'s place.

    It is on the disk by then. Raises NotWritten when the folder can't be written there.
    """
    target = Path(target).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise NotWritten(f"{target} can't be written: {error}; choose another place") from None
    filled = workplace / "new"
    try:
        filled.mkdir()
        yield filled
        for path in (*filled.iterdir(), filled):
            flush_to_disk(path)
        if not (target.exists() and _exchange(filled, target)):
            if target.exists():
                target.rename(workplace / "old")
            filled.rename(target)
        flush_to_disk(target.parent)
    except OSError as error:
        raise NotWritten(f"{target} can't be written: {error}; make room or choose another place") from None
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def flush_to_disk(path: Path) -> None:
    """Return when a file's content, or a folder's list of names, would survive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step, so that there is no moment without either. False where that fails."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)


@contextmanager
def new_file(target: str | Path) -> Iterator[Path]:
    """Write the file whose path is handed out; when the block ends without an error it takes `target`'s place.

    Raises UserError when the file can't be written there.
    """
    target = Path(target).absolute()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{target} can't be written: {error}; choose another place") from None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object for people to read, in one step. ValueError when it holds NaN or an infinity."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    flush_to_disk(draft)
    draft.replace(path)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object. UserError names the file when it is missing or isn't one; `what` says what it should be."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; it should hold {what}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} can't be read as {what}: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} can't be read as {what}: a JSON object is needed, not {type(content).__name__}")
    return content
