"""The checkpoints of a run: which there are, which is the newest that can be read, and which are kept."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.store.manifest import Damaged, check_manifest, read_summary

LAST_KEPT = 2
"""So many of the newest: one to go on from, and one before it in case the disk damages the first."""
NAME = re.compile(r"(\d{6,})(?:-(\d+))?")
"""The iteration; a second checkpoint within the same one ends in -2."""
DAMAGED, ABANDONED = ".damaged", ".abandoned"


@dataclass(frozen=True)
class Checkpoints:
    """The folder `checkpoints/` of a run. Each checkpoint is a folder with a manifest whose summary has its `score`."""

    folder: Path

    def write(self, iteration: int, fill: Callable[[Path], Any]) -> Path:
        """Let `fill` write a new checkpoint, then remove all but the newest ones and the best.

        `fill` makes the folder whose path it is given, complete or not at all. Raises what it raises; nothing is
        removed then.
        """
        self._sweep()
        folder = self._unused(iteration)
        fill(folder)
        scores = self._scores()
        newest = sorted(scores, key=_order)[-LAST_KEPT:]
        for path in scores.keys() - {*newest, _best(scores)}:
            shutil.rmtree(path, ignore_errors=True)
        return folder

    def newest_first(self) -> list[Path]:
        """Every checkpoint, whole or not."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if NAME.fullmatch(path.name)), key=_order, reverse=True)

    def last(self) -> Path | None:
        """The newest one whose files have the sizes they were written with; None before the first."""
        return max(self._scores(), key=_order, default=None)

    def best(self) -> Path | None:
        """The one with the highest score, and of equal ones the newest; None before the first."""
        scores = self._scores()
        return _best(scores) if scores else None

    def last_whole(self, start: Path | None = None) -> tuple[Path | None, list[Damaged]]:
        """The newest one, `start` or older, that holds what was written; and what is wrong with those after it."""
        wrong: list[Damaged] = []
        for path in self.newest_first():
            if start is not None and _order(path) > _order(start):
                continue
            try:
                check_manifest(path)
            except Damaged as error:
                wrong.append(error)
            else:
                return path, wrong
        return None, wrong

    def set_aside_after(self, chosen: Path | None) -> None:
        """Rename the checkpoints newer than `chosen`, from which training goes on: they are no part of it any more."""
        for path in self.newest_first():
            if chosen is None or _order(path) > _order(chosen):
                try:
                    read_summary(path)
                    suffix = ABANDONED
                except Damaged:
                    suffix = DAMAGED
                place = path.with_name(path.name + suffix)
                shutil.rmtree(place, ignore_errors=True)
                path.rename(place)

    def _scores(self) -> dict[Path, float]:
        scores = {}
        for path in self.newest_first():
            with contextlib.suppress(Damaged, KeyError, TypeError, ValueError):
                scores[path] = float(read_summary(path)["score"])
        return scores

    def _unused(self, iteration: int) -> Path:
        """A name that no checkpoint has: one that replaced another would leave a moment without either."""
        taken = [_order(path)[1] for path in self.newest_first() if _order(path)[0] == iteration]
        return self.folder / (f"{iteration:06}" + (f"-{max(taken) + 1}" if taken else ""))

    def _sweep(self) -> None:
        """Remove what a process that was killed has left unfinished."""
        for path in self.folder.glob(".*"):
            shutil.rmtree(path, ignore_errors=True)


def _order(path: Path) -> tuple[int, int]:
    """(iteration, how many there are of the same one)."""
    match = NAME.fullmatch(path.name)
    assert match, f"{path} is no checkpoint's name"
    return int(match[1]), int(match[2] or 1)


def _best(scores: dict[Path, float]) -> Path:
    return max(scores, key=lambda path: (scores[path], _order(path)))
