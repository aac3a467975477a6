"""The streaming engine: a grid of tiles, each of which gives its time in turn to a fixed number of spokes.

A *slice* is one spoke of one tile. It runs one instruction every `spokes` cycles, so `spokes` is the initiation
interval of whatever is placed. An operand that goes to another tile needs a cycle for each hop.
The model is that of Chang et al., "Reinforcement Learning Approach for Mapping Applications to Dataflow-Based
Coarse-Grained Reconfigurable Array", arXiv 2205.13675, section II.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rllib_envs.errors import UserError

MAX_TILES = 1024
"""A hop matrix of 2 MB; sixteen times the largest device of the paper."""
MAX_SPOKES = 64
"""The spokes of a tile that are taken are the bits of one machine word."""
MAX_PIPELINE_DEPTH = 64
DEFAULT_PIPELINE_DEPTH = 3
FREE_PASSES = 2
"""The synchronous fabric reaches a tile's neighbours and theirs; what goes farther is passed on, at twice the cost."""


class BadDevice(UserError):
    """The device's sizes make no sense."""


@dataclass(frozen=True)
class Device:
    """A one- or two-dimensional grid of tiles; tile `row * columns + column` is at (row, column)."""

    rows: int = 1
    columns: int = 16
    spokes: int = 6
    pipeline_depth: int = DEFAULT_PIPELINE_DEPTH
    """Cycles from an instruction's start until its result is ready."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise BadDevice(f"{name} of the device is {value!r}; it must be a whole number of at least 1")
        if self.tiles > MAX_TILES:
            raise BadDevice(f"a device of {self.rows}x{self.columns} tiles is too large; at most {MAX_TILES} tiles")
        if self.spokes > MAX_SPOKES:
            raise BadDevice(f"{self.spokes} spokes a tile are too many; at most {MAX_SPOKES}")
        if self.pipeline_depth > MAX_PIPELINE_DEPTH:
            raise BadDevice(f"a pipeline of depth {self.pipeline_depth} is too deep; at most {MAX_PIPELINE_DEPTH}")

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    @property
    def slices(self) -> int:
        return self.tiles * self.spokes

    @property
    def topology(self) -> tuple[int, ...]:
        """(tiles, spokes) of a row of tiles, (rows, columns, spokes) of a grid."""
        return (self.columns, self.spokes) if self.rows == 1 else (self.rows, self.columns, self.spokes)

    def hops(self, pass_timing: bool = False) -> np.ndarray:
        """int16 [tiles, tiles]: cycles that an operand takes from one tile to another."""
        return _hop_matrix(self, pass_timing)

    def distance(self, start: np.ndarray, end: np.ndarray, pass_timing: bool = False) -> np.ndarray:
        """`hops` for whole arrays of tiles that broadcast; arithmetic, since gathering from a table is slower."""
        if self.rows == 1 or self.columns == 1:
            hops = np.abs(start - end)
        else:
            row, other = start // self.columns, end // self.columns
            hops = np.abs(row - other) + np.abs((start - row * self.columns) - (end - other * self.columns))
        return np.asarray(hops + np.maximum(hops - FREE_PASSES, 0) if pass_timing else hops)

    def to_spec(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Device:
        """Read what `to_spec` wrote; what is left out has its default."""
        unknown = sorted(set(spec) - {"rows", "columns", "spokes", "pipeline_depth"})
        if unknown:
            raise BadDevice(f"a device has no {unknown[0]!r}; it has rows, columns, spokes and pipeline_depth")
        return cls(**spec)


@lru_cache(maxsize=16)
def _hop_matrix(device: Device, pass_timing: bool) -> np.ndarray:
    tiles = np.arange(device.tiles, dtype=np.int16)
    matrix = device.distance(tiles[:, None], tiles[None, :], pass_timing)
    matrix.setflags(write=False)
    return matrix


def parse_topology(text: str | Sequence[str | int], pipeline_depth: int = DEFAULT_PIPELINE_DEPTH) -> Device:
    """The device that `16 6` (tiles, spokes) or `4 1 3` (rows, columns, spokes) stands for."""
    words = text.replace("x", " ").replace(",", " ").split() if isinstance(text, str) else [str(word) for word in text]
    shown = " ".join(words)
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        raise BadDevice(f"topology {shown!r} is not made of whole numbers; write 16 6 or 4 1 3") from None
    if len(numbers) not in (2, 3):
        raise BadDevice(f"topology {shown!r} has {len(numbers)} numbers; write 16 6 (tiles, spokes) or 4 1 3")
    rows, columns, spokes = numbers if len(numbers) == 3 else (1, *numbers)
    return Device(rows, columns, spokes, pipeline_depth)
