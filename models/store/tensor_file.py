"""Named arrays in a safetensors file: numbers only, so that reading one can't run anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rllib_envs.errors import UserError

NAMES_SHOWN = 3
"""A message names so many of the tensors that are wrong; the rest would not tell more."""


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises OSError when the disk is full."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
    except SafetensorError as error:
        raise OSError(f"{path.name}: {error}") from None


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Every array of the file by name. UserError names the file when it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays: dict[str, np.ndarray] = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; copy it from where its JSON file came from") from None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged and can't be read ({error}); copy it again from its source") from None
    return arrays


def check_tensors(path: Path, arrays: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]]) -> None:
    """UserError unless the names and shapes are those of `expected`, all float32 and finite."""
    missing, surplus = sorted(expected.keys() - arrays.keys()), sorted(arrays.keys() - expected.keys())
    if missing or surplus:
        raise UserError(
            f"{path} does not hold the weights that its JSON file describes: missing {_some(missing)}, "
            f"not expected {_some(surplus)}; the two files must come from the same training run"
        )
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32:
            raise UserError(
                f"{path}: {name} is {array.dtype} {list(array.shape)} where float32 {list(shape)} is needed; "
                "the two files must come from the same training run"
            )
        if not np.isfinite(array).all():
            raise UserError(f"{path}: {name} holds values that are no numbers; use an earlier checkpoint of the run")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN]) or "nothing"
    return shown + f" and {len(names) - NAMES_SHOWN} more" * (len(names) > NAMES_SHOWN)
