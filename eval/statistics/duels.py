"""Contestants set against each other, benchmark by benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from eval.comparison import Comparison
from eval.statistics.intervals import Interval, geomean_interval
from eval.statistics.ratios import TIE, by_benchmark, speedups


class Record(NamedTuple):
    """On how many benchmarks one contestant was better than another one."""

    wins: int
    ties: int
    losses: int


class Duel(NamedTuple):
    """Two contestants on the same benchmarks."""

    method: str
    other: str
    ratio: Interval
    """How many times better `method` is than `other`."""
    wins: int
    ties: int
    losses: int


def duel(comparison: Comparison, method: str, other: str) -> Duel:
    """Set two contestants against each other."""
    ratios = _ratios(by_benchmark(comparison.of(method)), by_benchmark(comparison.of(other)))
    return Duel(method, other, geomean_interval(ratios), *_record(ratios))


def records(comparison: Comparison) -> dict[tuple[str, str], Record]:
    """Every pair of contestants, both ways round."""
    of = speedups(comparison)
    return {(one, other): _record(_ratios(of[one], of[other])) for one in of for other in of if one != other}


def _ratios(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[float]:
    """On the benchmarks that both have a value for."""
    ratios = [ours[name] / theirs[name] for name in ours if theirs.get(name, math.nan) > 0]
    return [ratio for ratio in ratios if math.isfinite(ratio)]


def _record(ratios: list[float]) -> Record:
    wins = sum(ratio > 1 + TIE for ratio in ratios)
    losses = sum(ratio < 1 / (1 + TIE) for ratio in ratios)
    return Record(wins, len(ratios) - wins - losses, losses)
