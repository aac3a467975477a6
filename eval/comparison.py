"""The result of a comparison: plain values that the statistics, figures and tables read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from eval.budget import Budget
from eval.trial import CurvePoint


@dataclass(frozen=True)
class Row:
    """One method on one benchmark with one seed; for a baseline, on one benchmark."""

    benchmark: str
    method: str
    seed: int | None
    """None for a baseline, which has none."""
    start: float
    """The untuned state's value, measured in the same rounds as `value`."""
    value: float
    """The value of the answer, measured anew after the search; the untuned one's if it failed then."""
    claimed: float
    """What the search itself had measured for its answer."""
    speedup: float
    """`value` over `start` as a ratio above 1 when it is better, whichever direction the unit has."""
    ratios: Mapping[str, float]
    """The same ratio over each baseline that has a value for this benchmark."""
    spread: float
    """(highest - lowest) / middle of the values measured anew."""
    seconds: float = 0.0
    """Spent by the search; for a baseline, compiling and searching."""
    evaluations: int = 0
    """Spent by the search; for a baseline, schedules that it has tried."""
    actions: tuple[str, ...] = ()
    """The names of the actions that lead from the untuned state to the answer."""
    error: str = ""
    """Why the answer failed when it was measured anew."""
    how: str = ""
    """Of a baseline: what was called, how it was tuned, and how it was timed."""
    before: str = ""
    """The untuned state, and"""
    after: str = ""
    """the answer, as the problem describes them to people."""
    steps: tuple[float, ...] = ()
    """For the best seed of each method: the value of the untuned state and after each action, nan where that failed.
    Each was measured once, after the search."""

    def ratio(self, baseline: str | None = None) -> float:
        """The value over that of a baseline, or over the untuned one; nan where one of the two is missing."""
        return self.speedup if baseline is None else self.ratios.get(baseline, math.nan)


def speedup_or_least(row: Row) -> float:
    """By which the best of several seeds is chosen, the first one where none has a speedup."""
    return -math.inf if math.isnan(row.speedup) else row.speedup


class Curve(NamedTuple):
    """How one search came to its answer over time. Its values are claimed ones."""

    benchmark: str
    method: str
    seed: int
    start: float
    points: tuple[CurvePoint, ...]
    seconds: float
    """When the search ended."""

    def relative_to_start(self, higher_is_better: bool) -> np.ndarray:
        """float [points]: best value so far over the untuned one, above 1 when it is better."""
        values = np.array([point.value for point in self.points])
        with np.errstate(divide="ignore", invalid="ignore"):
            return values / self.start if higher_is_better else self.start / values


@dataclass(frozen=True)
class Comparison:
    """All methods on all benchmarks."""

    problem: str
    problem_config: Mapping[str, Any]
    unit: str
    higher_is_better: bool
    how: str
    """How a value was obtained, in the problem's words."""
    budget: Budget
    """Of each method, except for those in `policy_multiples`."""
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    rounds: int
    """How often each answer was measured anew; the middle value is the one reported."""
    baselines: tuple[str, ...] = ()
    policy_multiples: Mapping[str, float] = field(default_factory=dict)
    """The methods whose budget is a multiple of the seconds that `policy` took, and the multiple."""
    rows: tuple[Row, ...] = ()
    curves: tuple[Curve, ...] = ()
    interrupted: bool = False
    """Whether it was ended early. It then holds the benchmarks that every method had finished."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """The part of its suite that each benchmark is of, such as "test" or "train"; empty where all are of one."""
    suite: str = ""
    """What the benchmarks are of."""

    @property
    def benchmarks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.benchmark for row in self.rows))

    @property
    def contestants(self) -> tuple[str, ...]:
        """The methods, then the baselines."""
        return self.methods + self.baselines

    def of(self, method: str, benchmark: str | None = None) -> list[Row]:
        """The rows of a method or baseline, on one benchmark or on all."""
        return [row for row in self.rows if row.method == method and benchmark in (None, row.benchmark)]

    def measurable(self) -> Comparison:
        """Without the baselines that have no value on any benchmark, of which there is nothing to show."""
        known = {row.method for row in self.rows if math.isfinite(row.value)}
        return replace(self, baselines=tuple(name for name in self.baselines if name in known))

    def parts(self) -> dict[str, Comparison]:
        """Each split apart, what was held out first, as a mean over both says nothing of either; without splits: ""."""
        if not self.splits:
            return {"": self}
        names = sorted(
            {self.splits.get(name, "other") for name in self.benchmarks}, key=lambda name: (name != "test", name)
        )
        return {name: self._part(name) for name in names}

    def _part(self, split: str) -> Comparison:
        inside = {name for name in self.benchmarks if self.splits.get(name, "other") == split}
        rows = tuple(row for row in self.rows if row.benchmark in inside)
        present = {row.method for row in rows}
        return replace(
            self,
            rows=rows,
            curves=tuple(curve for curve in self.curves if curve.benchmark in inside),
            baselines=tuple(name for name in self.baselines if name in present),
            splits={},
        )

    def starts(self) -> dict[str, float]:
        """The untuned value of each benchmark."""
        return {row.benchmark: row.start for row in self.rows}
