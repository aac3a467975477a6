"""Files and folders that appear complete or not at all, whatever kills the process that writes them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError


@contextmanager
def new_directory(target: str | Path) -> Iterator[Path]:
    """Fill the folder that is handed out; when the block ends without an error it takes `target`'s place.

    Raises UserError when the folder can't be written there.
    """
    target = Path(target).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise UserError(f"{target} can't be written: {error}; choose another place") from None
    try:
        filled, replaced = workplace / "new", workplace / "old"
        filled.mkdir()
        yield filled
        if target.exists():
            target.rename(replaced)
        filled.rename(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object for people to read, in one step. ValueError when it holds NaN or an infinity."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
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
