"""A checkpoint on disk: what a learner knows, and how far training has come. Data only, like the policy file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.store.atomic import new_directory, read_json, write_json
from models.store.tensor_file import check_tensors, read_tensors, write_tensors
from rllib_envs.errors import UserError

SCHEMA_VERSION = 1
ARRAYS, DESCRIPTION = "learner.safetensors", "checkpoint.json"
OPTIMISER = "optimiser/"
"""What the names of the optimiser's arrays begin with."""


@dataclass(frozen=True)
class Counters:
    """How far training has come."""

    iteration: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    best_speedup: float | None = None


def write_checkpoint(
    directory: str | Path, learner: Mapping[str, Any], counters: Counters, arrays: Mapping[str, np.ndarray]
) -> Path:
    """`learner` says what the arrays belong to: the trainer's name and the network's shape."""
    description = {"schema_version": SCHEMA_VERSION, "learner": learner, "counters": asdict(counters)}
    with new_directory(directory) as folder:
        write_tensors(folder / ARRAYS, arrays)
        write_json(folder / DESCRIPTION, description)
    return Path(directory)


def read_checkpoint(
    directory: str | Path, learner: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Counters, dict[str, np.ndarray]]:
    """The counters and arrays; UserError unless they are whole and belong to this `learner` with these `shapes`."""
    path = Path(directory) / DESCRIPTION
    description = read_json(path, "a checkpoint's description")
    for name, ours in {"schema_version": SCHEMA_VERSION, "learner": learner}.items():
        if description.get(name) != ours:
            raise UserError(
                f"{path} has {name} {description.get(name)!r} and this session {ours!r}; "
                "both must be the same to go on from it"
            )
    try:
        counters = Counters(**description["counters"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} lacks its counters ({error}); use another checkpoint") from None
    arrays = read_tensors(path.with_name(ARRAYS))
    if not any(name.startswith(OPTIMISER) for name in arrays):
        # An optimiser that has made no step yet remembers nothing.
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(OPTIMISER)}
    check_tensors(path.with_name(ARRAYS), arrays, shapes)
    return counters, arrays
