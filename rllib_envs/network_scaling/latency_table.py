"""The latency of any network of a measured table: the sum of its parts, each interpolated where it was measured.

A part's time is nearly a power of its channels and of its size, so logarithms are interpolated, linearly in both.
Outside of what was measured there is no answer: what networks take there is anybody's guess.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import Architecture, architecture_of
from rllib_envs.network_scaling.latency_file import LatencyFile
from rllib_envs.network_scaling.layers import blocks_of, strided
from rllib_envs.network_scaling.scaling import LARGEST, TENTHS, Scaling

ARCHITECTURES_KEPT = 50_000


class OutsideMeasured(UserError):
    """A network is larger or smaller than all that were measured."""


class Part(NamedTuple):
    """Where a part of a network lies among those of its name."""

    name: str
    channels: int
    """That leave it."""
    size: int
    """Of its input, in pixels along one side."""


def parts_of(architecture: Architecture) -> list[Part]:
    """In the order in which they are run."""
    family = architecture.family
    parts = [Part("stem", architecture.stem, architecture.resolution)]
    size = strided(architecture.resolution, family.stem_stride)
    for block in blocks_of(architecture):
        parts.append(Part(block.part, block.width, block.size))
        size = strided(block.size, block.stride)
    return [*parts, Part("head", architecture.head or architecture.widths[-1], size)]


class Grid(NamedTuple):
    """Logarithms of the times of one part, at each of its channels and sizes."""

    channels: tuple[int, ...]
    sizes: tuple[int, ...]
    times: Mapping[tuple[int, int], float]

    def at(self, channels: int, size: int) -> float | None:
        """Seconds; None outside of what was measured."""
        columns, rows = _between(self.channels, channels), _between(self.sizes, size)
        if columns is None or rows is None:
            return None
        logarithm = sum(share * weight * self.times[column, row] for column, share in columns for row, weight in rows)
        return math.exp(logarithm)


def _between(axis: tuple[int, ...], number: int) -> list[tuple[int, float]] | None:
    """The neighbours of a number on an axis, and how much each counts; None outside of the axis."""
    if not axis[0] <= number <= axis[-1]:
        return None
    right = bisect_right(axis, number)
    low = axis[right - 1]
    if low == number:
        return [(low, 1.0)]
    high = axis[right]
    share = math.log(number / low) / math.log(high / low)
    return [(low, 1 - share), (high, share)]


class LatencyTable:
    """Latencies by a measured table."""

    measured = True

    def __init__(self, file: LatencyFile) -> None:
        """UserError where its networks are not all widths at all resolutions."""
        self.file = file
        self.batch = file.batch
        self.about = f"measured on {file.measured_on}"
        widths, sizes = (sorted({getattr(row, name) for row in file.rows}) for name in ("width", "resolution"))
        measured = Counter((row.width, row.resolution) for row in file.rows)
        missing = [(width, size) for width in widths for size in sizes if measured[width, size] != 1]
        if missing or not measured:
            where = ", ".join(f"width {width / TENTHS:g} at {size} pixels" for width, size in missing[:3])
            raise UserError(f"table of latencies {file.name} lacks {where or 'all networks'}; measure the rest of it")
        self.within = Scaling(widths[0], 1, sizes[0]), LARGEST._replace(width=widths[-1], resolution=sizes[-1])
        self.region = f"widths {widths[0] / TENTHS:g} to {widths[-1] / TENTHS:g}, {sizes[0]} to {sizes[-1]} pixels"
        self._grids = _grids(file)
        self._cached = lru_cache(ARCHITECTURES_KEPT)(self._seconds)

    def seconds(self, architecture: Architecture) -> float:
        """For a batch. OutsideMeasured where the network is, UserError where the table is of other networks."""
        return self._cached(architecture)

    def __reduce__(self) -> tuple[type[LatencyTable], tuple[LatencyFile]]:
        """Without what is remembered."""
        return type(self), (self.file,)

    def _seconds(self, architecture: Architecture) -> float:
        file = self.file
        of, wanted = ((one.network, one.channels, one.classes) for one in (file, architecture))
        if of != wanted:
            raise UserError(f"table of latencies {file.name} is of {_named(of)}, not of {_named(wanted)}")
        total = 0.0
        for part in parts_of(architecture):
            grid = self._grids.get(part.name)
            seconds = grid.at(part.channels, part.size) if grid else None
            if seconds is None:
                raise OutsideMeasured(
                    f"{architecture.key} is outside of what was measured on {file.platform} {file.device} "
                    f"({self.region}): its {part.name} has {part.channels} channels at {part.size} pixels; "
                    "measure a larger region, or keep to this one"
                )
            total += seconds
        return total


def _named(of: tuple[str, int, int]) -> str:
    return "{} with {} channels and {} classes".format(*of)


def _grids(file: LatencyFile) -> dict[str, Grid]:
    times: dict[str, dict[tuple[int, int], list[float]]] = {}
    for row in file.rows:
        scaling = Scaling(row.width, TENTHS, row.resolution)
        architecture = architecture_of(file.network, scaling, file.channels, file.classes, file.scaled_stem)
        for part in dict.fromkeys(parts_of(architecture)):
            if part.name in row.seconds:
                at = times.setdefault(part.name, {}).setdefault((part.channels, part.size), [])
                at.append(row.seconds[part.name] * file.pace / row.pace)
    return {
        name: Grid(
            tuple(sorted({channels for channels, _ in points})),
            tuple(sorted({size for _, size in points})),
            {place: math.log(statistics.median(seconds)) for place, seconds in points.items()},
        )
        for name, points in times.items()
    }
