"""What is known of a run's mirror at Weights & Biases: `wandb.json` in the run directory."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from models.store.atomic import read_json, write_json
from models.store.run_directory import RunDirectory
from models.trainers.registry import trainer_name
from rllib_envs.errors import TunewrightError, UserError

NAME = "wandb.json"
ID_LETTERS = string.ascii_lowercase + string.digits
ID_LENGTH = 8


class MirrorFailed(TunewrightError):
    """Weights & Biases could not be reached or has refused; the run directory still has everything."""


@dataclass(frozen=True)
class Mirrored:
    """Where the mirror is, and what has arrived there. Of metrics the server itself knows how many it has."""

    project: str
    entity: str = ""
    """Empty: the account's own."""
    id: str = field(default_factory=lambda: "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH)))
    group: str = ""
    tags: tuple[str, ...] = ()
    forked_from: str = ""
    """The run that this one goes on from as another run."""
    url: str = ""
    """The run's page, once the server has told it."""
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    """Version of the artifact by the checkpoint's name."""
    report: str = ""
    """SHA-256 of the comparison whose tables and figures have arrived."""
    complete: bool = False
    """Whether everything of a run that has ended has arrived."""
    failures: int = 0
    """Attempts that failed since everything had arrived for the last time."""
    error: str = ""
    """Why the last attempt failed."""

    @classmethod
    def new(cls, run: RunDirectory, project: str, entity: str, group: str = "", tags: Sequence[str] = ()) -> Mirrored:
        """Of a run that is to have a mirror. Its problem and its trainer become tags, by which dashboards choose."""
        settings = run.record["settings"]
        own = (settings["env"]["problem"], trainer_name(settings["trainer"]))
        return cls(project, entity, group=group, tags=tuple(dict.fromkeys((*tags, *own))))

    @classmethod
    def of(cls, run: Path) -> Mirrored | None:
        """None where the run has no mirror and is to have none. UserError for a damaged file."""
        path = run / NAME
        if not path.exists():
            return None
        content = read_json(path, "where the run is mirrored")
        try:
            return cls(**{**content, "tags": tuple(content.get("tags", ()))})
        except TypeError as error:
            raise UserError(f"{path} is not as it was written: {error}; remove it to mirror the run anew") from None

    def write(self, run: Path) -> None:
        write_json(run / NAME, asdict(self))


def note_failure(run: Path, error: str) -> None:
    """Count it, and keep what was wrong; nothing where the run is to have no mirror any more."""
    known = Mirrored.of(run)
    if known is not None:
        replace(known, failures=known.failures + 1, error=error, complete=False).write(run)


def shown_name(run: Path) -> str:
    """By which people know the run: its folder's, and for an element of an array, which is a number, the array's."""
    return f"{run.parent.name}/{run.name}" if run.name.isdecimal() else run.name
