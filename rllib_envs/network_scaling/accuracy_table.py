"""A table of accuracies: every candidate of a grid, trained once for each seed, so that policies learn in seconds.

A file `NAME.json` says what it is a table of, and `NAME.jsonl` beside it has a record for each training, written by the
same code and read by the same rules as results that searches share. `launcher/network_scaling.py record` makes both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.grid import Grid
from rllib_envs.network_scaling.results import PROBLEM, TRAINED_BY, Candidate
from rllib_envs.network_scaling.setting import Setting
from rllib_envs.problem import Evaluation
from rllib_envs.records import read_records
from rllib_envs.shipped_data import DATASETS

SHIPPED = DATASETS / "network_scaling_tables" / "accuracy"
FORMAT = 1
MOST_SEEDS = 100
TABLES_KEPT = 8


class Cell(NamedTuple):
    """The accuracies of one candidate, in percent of the validation part."""

    mean: float
    spread: float
    """Standard deviation over the seeds; 0 where there is one."""
    error: str
    """Why it does not count: the first reason of any seed."""


def cell_of(results: list[Evaluation]) -> Cell:
    """Of one candidate with each seed."""
    values = [result.value for result in results]
    errors = [result.error for result in results if result.error]
    return Cell(float(np.mean(values)), float(np.std(values)), errors[0] if errors else "")


@dataclass(frozen=True)
class AccuracyTable:
    """What is in a table, and where."""

    path: Path
    """Of its `.json`."""
    setting: Setting
    grid: Grid
    seeds: int

    @property
    def records(self) -> Path:
        return self.path.with_suffix(".jsonl")

    @classmethod
    def find(cls, name: str) -> AccuracyTable:
        """By the path of its `.json`, or the name of one that is shipped. UserError where there is none.

        One object for all who ask for the same, until a file changes: a suite has hundreds of tasks on one table.
        """
        path = Path(name)
        if path.suffix != ".json":
            known = {path.stem: path for path in SHIPPED.glob("*.json")}
            path = known[choose(name, sorted(known), "table of accuracies")]
        return _read_once(path, _stamp(path), _stamp(path.with_suffix(".jsonl")))

    @classmethod
    def read(cls, path: Path) -> AccuracyTable:
        """UserError where it is none, or was written by another version."""
        try:
            content = json.loads(path.read_text())
            if content["accuracy_table"] != FORMAT:
                raise ValueError("it was written by another version")
            setting, grid = Setting.from_json(content["setting"]), Grid.from_json(content["grid"])
            seeds = content["seeds"]
            if type(seeds) is not int or not 1 <= seeds <= MOST_SEEDS:
                raise ValueError(f"{seeds} seeds")
        except FileNotFoundError:
            raise UserError(f"table of accuracies {path} does not exist") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"{path} is no table of accuracies: {type(error).__name__} {error}") from None
        return cls(path, setting, grid, seeds)

    def write(self) -> None:
        """What it is a table of. The folder is made where it is missing."""
        content = {"accuracy_table": FORMAT, "setting": self.setting.to_json(), "grid": self.grid.to_json()}
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({**content, "seeds": self.seeds}, indent=1) + "\n")
        draft.replace(self.path)

    def candidates(self) -> Iterator[Candidate]:
        """Everything that belongs into it, each once; the seeds in turns, so that a part of a table is of use."""
        architectures = {self.setting.architecture(self.grid.scaling(place)): None for place in self.grid.places()}
        for seed in range(self.seeds):
            for architecture in architectures:
                yield Candidate(self.setting, architecture, seed)

    @cached_property
    def recorded(self) -> Mapping[str, Evaluation]:
        """What was in its records at the first look, by `Candidate.solution`."""
        if not self.records.exists():
            return {}
        return {
            record.solution: record.evaluation
            for _, record in read_records(self.records)
            if record is not None
            and (record.problem, record.benchmark, record.measured_on) == (PROBLEM, self.setting.key, TRAINED_BY)
        }

    @cached_property
    def cells(self) -> Mapping[str, Cell]:
        """By `Architecture.key`. UserError where the table is not complete."""
        recorded, results = self.recorded, dict[str, list[Evaluation]]()
        missing = 0
        for candidate in self.candidates():
            found = recorded.get(candidate.solution)
            if found is None:
                missing += 1
            else:
                results.setdefault(candidate.architecture.key, []).append(found)
        if missing:
            raise UserError(
                f"table of accuracies {self.path} lacks {missing} trainings; make them with: python "
                f"launcher/network_scaling.py record --table {self.path}"
            )
        return {key: cell_of(found) for key, found in results.items()}


def _stamp(path: Path) -> tuple[int, int]:
    """What changes with a file: when it was written, and its size."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=TABLES_KEPT)
def _read_once(path: Path, *stamps: tuple[int, int]) -> AccuracyTable:
    return AccuracyTable.read(path)
