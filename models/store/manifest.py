"""A folder's manifest: the size and SHA-256 of each of its files, so that damage is noticed and named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models.store.atomic import read_json, write_json
from rllib_envs.errors import UserError

MANIFEST = "manifest.json"


class Damaged(UserError):
    """A file is missing, cut off or changed since it was written. The message names it."""


def write_manifest(folder: Path, summary: Mapping[str, Any]) -> None:
    """List the files that `folder` holds now. `summary`, JSON values, is what one asks without opening them."""
    files = {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(folder.iterdir())}
    write_json(folder / MANIFEST, {"summary": dict(summary), "files": files})


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a folder whose files have the sizes that its manifest says; Damaged otherwise."""
    summary, _ = _read(folder)
    return summary


def check_manifest(folder: Path, names: Iterable[str] = ()) -> dict[str, Any]:
    """The summary of a folder that holds what its manifest says, byte for byte, `names` included; Damaged otherwise."""
    summary, files = _read(folder)
    for name in names:
        if name not in files:
            raise Damaged(f"{folder / MANIFEST} does not list {name}")
    for name, entry in files.items():
        if _sha256(folder / name) != entry["sha256"]:
            raise Damaged(f"{folder / name} was changed after it was written: its SHA-256 is not the manifest's")
    return summary


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        content = read_json(folder / MANIFEST, "a list of files with their sizes and hashes")
    except UserError as error:
        raise Damaged(str(error)) from None
    try:
        summary, files = dict(content["summary"]), dict(content["files"])
        expected = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in files.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{folder / MANIFEST} was changed after it was written: {type(error).__name__} {error}") from None
    for name, (size, _) in expected.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise Damaged(f"{path} is missing")
        if path.stat().st_size != size:
            raise Damaged(f"{path} has {path.stat().st_size} bytes and was written with {size}")
    return summary, files


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
