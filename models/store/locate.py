"""From what a person types to a run and one of its checkpoints."""

from __future__ import annotations

from pathlib import Path

from models.store.checkpoints import NAME
from models.store.run_directory import CHECKPOINTS, RECORD, RunDirectory
from rllib_envs.errors import UserError


def locate_run(place: str) -> tuple[RunDirectory, Path | None]:
    """The run at `place`, and the checkpoint in it where `place` names one. UserError when there is neither.

    A place is a run directory or a checkpoint's folder. What is elsewhere is fetched into a run directory before.
    """
    if "://" in place:
        raise UserError(f"{place} is an address; runs are gone on with from folders. Give a run directory")
    path = Path(place)
    if NAME.fullmatch(path.name) and path.parent.name == CHECKPOINTS and (path.parent.parent / RECORD).exists():
        if not path.is_dir():
            raise UserError(f"checkpoint {path} does not exist; {path.parent.parent} stands for the newest of the run")
        return RunDirectory.open(path.parent.parent), path
    return RunDirectory.open(path), None
