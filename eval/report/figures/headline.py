"""The first figure of a report: how good each method is, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eval import wording
from eval.comparison import Comparison
from eval.report.figures.axes import finite, log_axis, method_axis, ratio_axis
from eval.report.figures.colours import FAINT, INK, MUTED
from eval.report.figures.style import Frame, Look, looks, new_figure
from eval.report.figures.svg import tip
from eval.statistics import Summary, by_benchmark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM_FOR_TEXT = 12
"""How much further the axis of times reaches than the longest of them, as a factor."""
POINTS_A_CHARACTER = 6.6
"""Of bold figures."""


def headline(comparison: Comparison, frame: Frame, summaries: Sequence[Summary]) -> Figure:
    """Geometric mean, its interval and each benchmark; beside it the median tuning time. The best method on top."""
    summaries = [summary for summary in reversed(summaries) if summary.speedup.n]
    names = [summary.method for summary in summaries]
    look = looks(comparison.methods, comparison.baselines)
    figure = new_figure(frame, 0.85 + 0.29 * max(2, len(summaries)))
    if frame.narrow:
        good = figure.add_subplot()
    else:
        good, cost = figure.subplots(1, 2, sharey=True, width_ratios=(2.4, 1))
        _tuning_times(cost, summaries, look)
    every: list[float] = []
    second_column = 11 + POINTS_A_CHARACTER * max(
        (len(wording.times(one.speedup.mean)) for one in summaries), default=0
    )
    for place, summary in enumerate(summaries):
        mean, low, high, _ = summary.speedup
        colour, marker, *_ = look[summary.method]
        dots = finite(by_benchmark(comparison.of(summary.method)).values())
        every += dots
        scatter = place + np.random.default_rng(0).uniform(-0.17, 0.17, len(dots))
        good.plot(dots, scatter, "o", markersize=2.4, color=MUTED, alpha=0.5, markeredgewidth=0, zorder=1)
        if math.isfinite(low):
            bar: dict[str, Any] = {"linewidth": 5, "alpha": 0.35, "solid_capstyle": "butt"}
            good.plot([low, high], [place, place], color=colour, zorder=2, **bar)
        (point,) = good.plot(mean, place, marker, color=colour, markersize=7, zorder=3)
        point.set_gid(tip(f"{summary.method}: {wording.interval(summary.speedup)}"))
        _beside(good, place, 4, wording.times(mean), "bold")
        if frame.narrow:
            _beside(good, place, second_column, wording.seconds(summary.seconds))
    if frame.narrow:
        _beside(good, len(summaries) - 0.35, 4, "mean", colour=MUTED)
        _beside(good, len(summaries) - 0.35, second_column, "time", colour=MUTED)
    method_axis(good, names, look)
    ratio_axis(good, every, "x", most=3 if frame.narrow else 9)
    good.grid(axis="x")
    good.set_xlabel("speedup over untuned (log scale)")
    return figure


def _beside(axes: Axes, place: float, points: float, text: str, weight: str = "normal", colour: str = INK) -> None:
    """Text right of the axes, in line with a method."""
    where: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, (1, place), (points, 0), weight=weight, color=colour, annotation_clip=False, **where)


def _tuning_times(axes: Axes, summaries: Sequence[Summary], look: Mapping[str, Look]) -> None:
    known = {place: summary for place, summary in enumerate(summaries) if summary.seconds > 0}
    for place, summary in known.items():
        colour, marker, *_ = look[summary.method]
        axes.plot(summary.seconds, place, marker, color=colour, markersize=5)
        beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 8}
        axes.annotate(wording.seconds(summary.seconds), (summary.seconds, place), (7, 0), **beside)
    times = [summary.seconds for summary in known.values()] or [1.0]
    log_axis(axes, min(times) / 3, max(times) * ROOM_FOR_TEXT, durations=True, most=3)
    axes.grid(axis="x")
    axes.set_xlabel("tuning time (log scale)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(FAINT)
