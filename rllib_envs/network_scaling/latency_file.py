"""A file of measured latencies: of each part of a base network, at some widths and resolutions, on one device."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import FAMILIES
from rllib_envs.network_scaling.platforms import DEVICES_OF
from rllib_envs.network_scaling.scaling import LARGEST, SMALLEST, Scaling

FORMAT = 2
BATCH = 64
"""Images that are classified at once; published latencies of this search are for so many."""
HOW = {
    "cpu": "one thread, its own time, each part in its place in the network, median of two rounds, at the fastest pace",
    "cuda": "waited for after each part in its place in the network, median of two rounds",
}
LARGEST_FILE = 10 << 20


def latency_file_name(network: str, scaled_stem: bool, platform: str, device: str, channels: int, classes: int) -> str:
    """Of the file that searches look for."""
    stem = "" if scaled_stem else "_unscaled_stem"
    return f"{platform}_{device}_{network}{stem}_{channels}x{classes}.json"


class Measured(NamedTuple):
    """The parts of one network."""

    width: int
    """In tenths."""
    resolution: int
    repeat: float
    """By how much two rounds differed, as a share."""
    pace: float
    """Seconds of the gauge of `timing.py`, meanwhile: how fast the processor was."""
    seconds: dict[str, float]
    """Of a batch, by the part's name, at that pace."""


@dataclass(frozen=True)
class LatencyFile:
    """What was measured, of what, and on what."""

    network: str
    scaled_stem: bool
    platform: str
    device: str
    batch: int
    """Images that were classified at once."""
    channels: int
    classes: int
    measured_on: str
    how: str
    when: str
    """UTC, of the first row."""
    rows: tuple[Measured, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """What its file is called where tables are kept."""
        return latency_file_name(
            self.network, self.scaled_stem, self.platform, self.device, self.channels, self.classes
        )

    def find(self, scaling: Scaling) -> Measured | None:
        """What was measured at this width and resolution."""
        same = [row for row in self.rows if (row.width, row.resolution) == (scaling.width, scaling.resolution)]
        return same[0] if same else None

    @property
    def pace(self) -> float:
        """Seconds of the gauge when the processor was fastest."""
        return min(row.pace for row in self.rows)

    def with_row(self, row: Measured) -> LatencyFile:
        return replace(self, rows=(*self.rows, row))

    def continued_by(self, other: LatencyFile, path: Path) -> LatencyFile:
        """Itself, to go on with. UserError where `other` is of something else."""
        for name in ("network", "scaled_stem", "platform", "device", "batch", "channels", "classes", "measured_on"):
            before, now = getattr(self, name), getattr(other, name)
            if before != now:
                raise UserError(f"{path} was begun with {name} {before!r}, not {now!r}; write another file")
        return self

    def write(self, path: Path) -> None:
        """In one step, so that there is always a whole file."""
        rows = [row._asdict() for row in self.rows]
        text = json.dumps({"latency_table": FORMAT, **vars(self), "rows": rows}, indent=1, allow_nan=False)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text + "\n")
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise UserError(f"{path} can't be written: {error.strerror}; choose another place") from None

    @classmethod
    def read(cls, path: Path) -> LatencyFile:
        """UserError where it is no such file, or holds figures that make no sense."""
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise ValueError(f"it is larger than {LARGEST_FILE >> 20} MB")
            content = json.loads(path.read_text())
            return cls._from_json(content)
        except FileNotFoundError:
            raise UserError(f"table of latencies {path} does not exist") from None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise UserError(f"{path} is no table of latencies: {type(error).__name__} {error}") from None

    @classmethod
    def _from_json(cls, content: Any) -> LatencyFile:
        if not isinstance(content, dict):
            raise ValueError("it holds no JSON object")
        if content.pop("latency_table", None) != FORMAT:
            raise ValueError("it was not written by the script that measures, or by another version of it")
        table = cls(**{**content, "rows": tuple(Measured(**row) for row in content["rows"])})
        texts = (table.network, table.platform, table.device, table.measured_on, table.how, table.when)
        counts = (table.batch, table.channels, table.classes)
        if not all(isinstance(text, str) for text in texts) or type(table.scaled_stem) is not bool:
            raise ValueError("a text or a flag is not what it should be")
        if not all(type(count) is int and count > 0 for count in counts):
            raise ValueError("batch, channels and classes must be positive whole numbers")
        if table.network not in FAMILIES or table.device not in DEVICES_OF.get(table.platform, ()):
            raise ValueError(f"unknown {table.network} on {table.platform} {table.device}")
        for row in table.rows:
            _check(row)
        return table


def _check(row: Measured) -> None:
    for number, least, most in (
        (row.width, SMALLEST.width, LARGEST.width),
        (row.resolution, SMALLEST.resolution, LARGEST.resolution),
    ):
        if type(number) is not int or not least <= number <= most:
            raise ValueError(f"a network of width {row.width} (in tenths) and resolution {row.resolution}")
    times = (*row.seconds.values(), row.pace, 1.0 + row.repeat)
    if not all(isinstance(number, float | int) and math.isfinite(number) and number > 0 for number in times):
        raise ValueError(f"a time of the network {row.width}, {row.resolution} is no positive number")
