"""Figures as cells of a table, which sort by their exact value."""

from __future__ import annotations

import math
from collections.abc import Callable

from eval import wording
from eval.report.html import Cell
from eval.statistics import Interval


def interval(of: Interval | None, benchmarks: int) -> Cell:
    """A mean over all benchmarks, or over so many of them, which the text then says."""
    if of is None:
        return Cell(wording.MISSING)
    on = f" on {of.n}" if of.n != benchmarks else ""
    return quantity(of.mean, lambda _: wording.interval(of) + on)


def quantity(value: float, text: Callable[[float], str], look: str = "") -> Cell:
    """`value` in words; what is not a positive number is missing."""
    return Cell(text(value), f"{value:.6g}", look) if 0 < value < math.inf else Cell(wording.MISSING)


def share(value: float) -> Cell:
    return Cell(f"{value:.0%}", f"{value:.6g}")
