"""A kernel's whole landscape: the measured time of every gene, so that tuners can be compared without a compiler.

A file of JSON lines. The first is the head: what was measured, on what, and the gene space. Each other is a row
`[place, seconds, spread, status]` of one gene, in any order; of several rows of a gene the fastest counts. `seconds` is
null where the gene is no working kernel. A last line that a killed recorder has not finished does not count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.gene_space_json import space_from_json, space_to_json
from rllib_envs.names import choose
from rllib_envs.shipped_data import DATASETS

LANDSCAPES = DATASETS / "kernel_landscapes"
FORMAT = 1
OK = "ok"


@dataclass(frozen=True)
class Head:
    """What a landscape is a landscape of."""

    benchmark: str
    """The benchmark's name."""
    spec: Mapping[str, Any]
    """The benchmark's own description of the kernel."""
    space: GeneSpace
    flops: float
    """Floating-point operations of one run."""
    peak_gflops: float
    """Of one core of the machine that it was recorded on."""
    measured_on: str
    """Processor, and the versions of what compiled and timed."""
    target: str
    """TVM's description of what was compiled for."""
    how: str
    """How each gene was timed."""
    began: str
    """UTC, such as 2026-01-31T23:59:59Z."""

    def to_line(self) -> str:
        content = {**vars(self), "spec": dict(self.spec), "space": space_to_json(self.space)}
        return json.dumps({"landscape": FORMAT, **content})

    @classmethod
    def from_line(cls, line: str) -> Head:
        """ValueError when it is none."""
        content = json.loads(line)
        try:
            if content.pop("landscape") != FORMAT:
                raise ValueError("it was written by another version")
            return cls(**{**content, "space": space_from_json(content["space"])})
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"its first line is no head: {type(error).__name__} {error}") from None


class Row(NamedTuple):
    """The measurement of one gene."""

    place: int
    """Of the gene among all of the space: see `index_of`."""
    seconds: float | None
    """The fastest of repeated runs; None where the gene is no working kernel."""
    spread: float
    """How much slower than the fastest the median of the runs was, as a share."""
    status: str
    """"ok", or why there is no time."""

    def to_line(self) -> str:
        return json.dumps(list(self))


@dataclass(frozen=True)
class Landscape:
    """A fully measured gene space."""

    name: str
    head: Head
    seconds: np.ndarray = field(repr=False)
    """float64 [space.size]; NaN where a gene is no working kernel."""
    spread: np.ndarray = field(repr=False)
    """float64 [space.size]; of repeated runs, relative: see `Row`."""
    status: tuple[str, ...] = field(repr=False)
    """Of each gene: "ok", or why there is no time."""

    @property
    def space(self) -> GeneSpace:
        return self.head.space

    @cached_property
    def best_seconds(self) -> float:
        return float(np.nanmin(self.seconds))

    @property
    def best_gflops(self) -> float:
        return self.head.flops / self.best_seconds / 1e9

    def time_of(self, gene: Gene) -> float | None:
        """Seconds of one run; None where the gene is no working kernel. UserError where it is no gene of the space."""
        self.space.check(gene)
        seconds = float(self.seconds[index_of(self.space, gene)])
        return None if math.isnan(seconds) else seconds

    def gflops_of(self, gene: Gene) -> float:
        """0 where the gene is no working kernel."""
        seconds = self.time_of(gene)
        return 0.0 if seconds is None else self.head.flops / seconds / 1e9

    @classmethod
    def load(cls, name: str | Path) -> Landscape:
        """By path, or by the name of one that is shipped. UserError when it isn't complete, or no landscape."""
        path = find_landscape(name)
        head, rows = read_rows(path)
        fastest: dict[int, Row] = {}
        for row in rows:
            known = fastest.get(row.place)
            if known is None or (row.seconds or math.inf) < (known.seconds or math.inf):
                fastest[row.place] = row
        missing = head.space.size - len(fastest)
        if missing:
            raise UserError(f"landscape {path} lacks {missing} of {head.space.size} genes; record the rest first")
        ordered = [fastest[place] for place in range(head.space.size)]
        if all(row.seconds is None for row in ordered):
            raise UserError(f"landscape {path} has no gene that is a working kernel")
        seconds = np.array([math.nan if row.seconds is None else row.seconds for row in ordered])
        return cls(
            path.stem, head, seconds, np.array([row.spread for row in ordered]), tuple(r.status for r in ordered)
        )


def find_landscape(name: str | Path) -> Path:
    """The file of a landscape given by path or by name."""
    if Path(name).is_file():
        return Path(name)
    known = {path.stem: path for path in LANDSCAPES.glob("*.jsonl")}
    return known[choose(str(name), sorted(known), "landscape")]


def read_rows(path: Path) -> tuple[Head, list[Row]]:
    """The head and the rows, of an unfinished file too. A last line without its end does not count.

    UserError names the line that can't be read.
    """
    try:
        first, *lines = path.read_text().splitlines(keepends=True)
        head = Head.from_line(first)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no landscape: {error}") from None
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    rows: list[Row] = []
    for number, line in enumerate(lines, 2):
        row = _row(line)
        if row is None or not 0 <= row.place < head.space.size:
            raise UserError(
                f"landscape {path}, line {number}: {line.strip()[:60]!r} is no [place, seconds, spread, status]"
            )
        rows.append(row)
    return head, rows


def _row(line: str) -> Row | None:
    try:
        place, seconds, spread, status = json.loads(line)
        row = Row(int(place), None if seconds is None else float(seconds), float(spread), str(status))
    except (TypeError, ValueError):
        return None
    good = row.seconds is None or (math.isfinite(row.seconds) and row.seconds > 0)
    return row if good and (row.status == OK) == (row.seconds is not None) else None


def index_of(space: GeneSpace, gene: Sequence[int]) -> int:
    """The gene's place among all: the last knob varies fastest."""
    return int(np.ravel_multi_index(tuple(gene), space.choices))


def gene_at(space: GeneSpace, index: int) -> Gene:
    """The gene in that place."""
    return tuple(int(choice) for choice in np.unravel_index(index, space.choices))
