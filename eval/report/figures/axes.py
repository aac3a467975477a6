"""Axes that several figures share: ratios, durations, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from eval.report.figures.colours import MUTED
from eval.report.figures.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANTISSAS = ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 2, 5), (1, 3), (1,))
"""Of the marks on a logarithmic axis, from dense to sparse."""


def ratio_axis(axes: Axes, ratios: Iterable[float], which: str, *, most: int = 9, line_at_one: bool = True) -> None:
    """A logarithmic axis that holds all finite ratios, with at most so many marks, and a line at 1."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    known = finite(ratios)
    low, high = min([*known, 0.97]) / 1.04, max([*known, 1.3]) * 1.06
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(_marks(low, high, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}x"))
    if line_at_one:
        (axes.axvline if which == "x" else axes.axhline)(1, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)


def _marks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between the two, as dense as there is room for; at worst every second, third, ... power of ten."""
    powers, least = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1), (high / low) ** (1 / most)
    for mantissas in MANTISSAS:
        marks = [mantissa * 10.0**power for power in powers for mantissa in mantissas]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) <= most and all(after / mark >= least for mark, after in pairwise(inside)):
            return inside
    return inside[:: math.ceil(len(inside) / most)]


def method_axis(axes: Axes, names: Sequence[str], look: Mapping[str, Look]) -> None:
    """The names of methods from below, without a line."""
    axes.set_yticks(range(len(names)), names)
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if look[name].strong else "normal")
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def share_axis(axes: Axes) -> None:
    """Upwards from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def log_axis(axes: Axes, low: float, high: float, durations: bool, most: int = 6) -> None:
    """A horizontal logarithmic axis of durations in seconds, or of counts, with at most so many marks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_marks(low, high, most)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda mark, _: duration(mark) if durations else f"{mark:,.0f}"))


def duration(seconds: float) -> str:
    """A round duration: `100 ms`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds > 0.99 * size:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def finite(ratios: Iterable[float]) -> list[float]:
    return [ratio for ratio in ratios if 0 < ratio < math.inf]
