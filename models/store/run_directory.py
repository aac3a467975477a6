"""A run is a folder: what was asked for, what happened, and what came of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.store.atomic import check_room, read_json, write_json
from models.store.checkpoints import Checkpoints
from models.store.versions import hardware, versions
from rllib_envs.errors import UserError

RUNS = Path("runs")
RECORD, METRICS, CHECKPOINTS = "run.json", "metrics.jsonl", "checkpoints"
ABANDONED_METRICS = "metrics-abandoned.jsonl"
EVALUATIONS = "records.jsonl"
SCHEMA_VERSION = 1


class Session(Protocol):
    """What can be saved as a checkpoint. `models.training.TrainingSession` is one."""

    @property
    def iteration(self) -> int: ...

    def save(self, directory: Path) -> Any:
        """Make the folder, with a manifest whose summary has the `score` that checkpoints are ranked by."""


@dataclass(frozen=True)
class RunDirectory:
    """`run.json`, `metrics.jsonl`, `records.jsonl`, `checkpoints/`, `policy/` and `report/` of one run."""

    path: Path

    @classmethod
    def create(cls, root: str | Path, label: str, record: Mapping[str, Any]) -> RunDirectory:
        """A new folder `<time>-<label>` under `root`; the label names problem, trainer and suite.

        `record` is the resolved configuration with the suite's hash and the seeds, JSON values only; versions and
        hardware are added. Raises UserError when the folder can't be made, or has no room.
        """
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", label).strip("_.-")
        path = make_unique(Path(root), f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")
        try:
            return cls.create_at(path, record)
        except BaseException:
            shutil.rmtree(path)
            raise

    @classmethod
    def create_at(cls, path: Path, record: Mapping[str, Any]) -> RunDirectory:
        """The same in this very folder, which may exist and hold other files, but no run."""
        run = cls(path)
        check_room(path)
        try:
            for folder in (run.report, run.path / CHECKPOINTS):
                folder.mkdir(parents=True, exist_ok=True)
            (run.path / METRICS).touch()
        except OSError as error:
            raise UserError(f"run directory {path} can't be made: {error}; choose another place") from None
        made_with = {"versions": versions(), "hardware": hardware()}
        write_json(run.path / RECORD, {"schema_version": SCHEMA_VERSION, **record, **made_with})
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunDirectory:
        """An existing run. Raises UserError, with the runs beside it, when there is none."""
        run = cls(Path(path))
        if not run.path.is_dir():
            near = [other.path.name for other in list_runs(run.path.parent)][-3:]
            hint = f"the latest runs there are {', '.join(near)}" if near else "train one first"
            raise UserError(f"run directory {path} does not exist; {hint}")
        if not (run.path / RECORD).exists():
            raise UserError(f"{path} is no run directory: it has no {RECORD}")
        if run.record.get("schema_version") != SCHEMA_VERSION:
            raise UserError(
                f"{run.path / RECORD} has schema version {run.record.get('schema_version')!r}; this installation "
                f"reads version {SCHEMA_VERSION}. Open the run with the release that wrote it"
            )
        return run

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether a run was made there."""
        return (path / RECORD).exists()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def record(self) -> dict[str, Any]:
        """The content of `run.json`."""
        return read_json(self.path / RECORD, "a run's record")

    @property
    def policy(self) -> Path:
        """Where the run's policy is, or will be."""
        return self.path / "policy"

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def records(self) -> Path:
        """The file of its measured evaluations, unless the run was told to use another one."""
        return self.path / EVALUATIONS

    def log(self, row: Mapping[str, Any]) -> None:
        """Add one line to `metrics.jsonl`, and hand it to the system at once."""
        line = json.dumps(row, allow_nan=False)
        with (self.path / METRICS).open("a") as file:
            file.write(line + "\n")

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The rows so far; a last line that was cut off by a crash is left out."""
        with (self.path / METRICS).open() as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)

    def discard(self) -> None:
        """Remove the run, and the folder of runs if it was the only one."""
        shutil.rmtree(self.path)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / CHECKPOINTS)

    def checkpoint(self, session: Session) -> Path:
        """Save the session as it is now, then remove all checkpoints but the last two and the best."""
        return self.checkpoints.write(session.iteration, session.save)

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint; None before the first."""
        return self.checkpoints.last()

    def best_checkpoint(self) -> Path | None:
        """The checkpoint with the highest score, and of equal ones the newest; None before the first."""
        return self.checkpoints.best()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder meanwhile; UserError when one does already."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"another process is training in {self.path}; wait for it, or stop it") from None
            yield
        finally:
            os.close(handle)

    def go_on(self, iteration: int, record: Mapping[str, Any]) -> None:
        """Prepare for another part of the same training, which begins after `iteration` with the settings in `record`.

        `run.json` gets the new settings and keeps the earlier ones under "earlier". Rows of iterations that are to be
        done again move from `metrics.jsonl` to `metrics-abandoned.jsonl`, so that counters only ever grow.
        """
        for leftover in (*self.path.glob(".policy-*"), *self.path.glob(f".{RECORD}.*")):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        kept: list[str] = []
        abandoned: list[str] = []
        for row in self.metrics():
            (kept if row["iteration"] <= iteration else abandoned).append(json.dumps(row) + "\n")
        if abandoned:
            with (self.path / ABANDONED_METRICS).open("a") as file:
                file.writelines(abandoned)
        draft = self.path / f".{METRICS}"
        draft.write_text("".join(kept))
        draft.replace(self.path / METRICS)
        earlier = self.record
        parts = [*earlier.pop("earlier", []), {**earlier, "until_iteration": iteration}]
        made_with = {"versions": versions(), "hardware": hardware()}
        write_json(self.path / RECORD, {"schema_version": SCHEMA_VERSION, **record, **made_with, "earlier": parts})


def make_unique(root: Path, name: str) -> Path:
    """A new folder of this name under `root`, or of this name with a number where it exists already."""
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        path = root / (name + suffix)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"run directory {path} can't be made: {error}; choose another root") from None
        return path
    raise UserError(f"{root} has 99 runs named {name}; wait a second and start again")


def list_runs(root: str | Path = RUNS) -> list[RunDirectory]:
    """Every run under `root`, oldest first; empty when there is none."""
    return sorted((RunDirectory(path.parent) for path in Path(root).glob(f"*/{RECORD}")), key=lambda run: run.name)
