"""A checkpoint on disk: all that training needs to go on. Data only, like the policy file: arrays and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.store.atomic import new_directory, read_json, write_json
from models.store.manifest import Damaged, check_manifest, write_manifest
from models.store.tensor_file import read_tensors, write_tensors
from rllib_envs.errors import UserError

SCHEMA_VERSION = 2
DESCRIPTION, LEARNER, RANDOM, ALGORITHM = (
    "checkpoint.json",
    "learner.safetensors",
    "random.safetensors",
    "algorithm.safetensors",
)
OPTIMISER = "optimiser/"
"""What the names of the optimiser's arrays begin with."""


@dataclass(frozen=True)
class Counters:
    """How far training has come."""

    iteration: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    best_speedup: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """What is saved and what is read back."""

    identity: Mapping[str, Any]
    """What can't change between two parts of one training: see `models.continuation`."""
    settings: Mapping[str, Any]
    """What should not."""
    counters: Counters
    score: float
    """Mean return of the last iteration's episodes."""
    learner: Mapping[str, np.ndarray] = field(repr=False)
    """float32: weights, target weights, the optimiser's memory."""
    random: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    """The driver's random number generators."""
    algorithm: Mapping[str, np.ndarray | float] = field(default_factory=dict, repr=False)
    """What the algorithm itself remembers, such as a replay buffer: arrays and plain numbers."""

    def write(self, directory: str | Path) -> Path:
        """Make the folder, complete or not at all. Raises NotWritten when it can't be made."""
        numbers = {name: value for name, value in self.algorithm.items() if not isinstance(value, np.ndarray)}
        description = {
            "schema_version": SCHEMA_VERSION,
            "identity": dict(self.identity),
            "settings": dict(self.settings),
            "counters": asdict(self.counters),
            "score": self.score,
            "algorithm": numbers,
        }
        with new_directory(directory) as folder:
            write_tensors(folder / LEARNER, self.learner)
            write_tensors(folder / RANDOM, self.random)
            arrays = {name: value for name, value in self.algorithm.items() if isinstance(value, np.ndarray)}
            write_tensors(folder / ALGORITHM, arrays)
            write_json(folder / DESCRIPTION, description)
            write_manifest(folder, {"iteration": self.counters.iteration, "score": self.score})
        return Path(directory)

    @classmethod
    def read(cls, directory: str | Path) -> Checkpoint:
        """Raises Damaged, naming the file, when it isn't what was written, and UserError for another schema version."""
        folder = Path(directory)
        if not folder.is_dir():
            raise UserError(f"checkpoint {folder} does not exist")
        description = read_description(folder)
        check_manifest(folder, (DESCRIPTION, LEARNER, RANDOM, ALGORITHM))
        try:
            return cls(
                identity=dict(description["identity"]),
                settings=dict(description["settings"]),
                counters=Counters(**description["counters"]),
                score=float(description["score"]),
                learner=read_tensors(folder / LEARNER),
                random=read_tensors(folder / RANDOM),
                algorithm={**description["algorithm"], **read_tensors(folder / ALGORITHM)},
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise Damaged(str(error)) from None
            raise Damaged(f"{folder / DESCRIPTION} lacks what it should hold: {type(error).__name__} {error}") from None


def read_description(folder: Path) -> dict[str, Any]:
    """The checkpoint's JSON part. UserError for another schema version, Damaged when it can't be read."""
    path = folder / DESCRIPTION
    try:
        description = read_json(path, "a checkpoint's description")
    except UserError as error:
        raise Damaged(str(error)) from None
    if description.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {description.get('schema_version')!r}; this installation reads version "
            f"{SCHEMA_VERSION}. Go on from it with the release that wrote it, or train again"
        )
    return description
