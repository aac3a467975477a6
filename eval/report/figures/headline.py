"""The first figure of a report: how good each method is, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eval import wording
from eval.comparison import Comparison
from eval.report.figures.axes import finite, log_axis, method_axis, ratio_axis
from eval.report.figures.colours import FAINT, MUTED
from eval.report.figures.style import Frame, looks, new_figure
from eval.report.figures.svg import tip
from eval.statistics import Summary, by_benchmark

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def headline(comparison: Comparison, frame: Frame, summaries: Sequence[Summary]) -> Figure:
    """Left: geometric mean, its interval and each benchmark. Right: the median tuning time. The best method on top."""
    summaries = [summary for summary in reversed(summaries) if summary.speedup.n]
    look = looks(comparison.methods, comparison.baselines)
    figure = new_figure(frame, 0.85 + (0.27 if frame.narrow else 0.29) * max(2, len(summaries)))
    good, cost = figure.subplots(1, 2, sharey=True, width_ratios=(1.9, 1) if frame.narrow else (2.4, 1))
    every: list[float] = []
    for place, summary in enumerate(summaries):
        mean, low, high, _ = summary.speedup
        colour, marker, *_ = look[summary.method]
        dots = finite(by_benchmark(comparison.of(summary.method)).values())
        every += dots
        scatter = place + np.random.default_rng(0).uniform(-0.17, 0.17, len(dots))
        good.plot(dots, scatter, "o", markersize=2.4, color=MUTED, alpha=0.5, markeredgewidth=0, zorder=1)
        if math.isfinite(low):
            bar = {"linewidth": 5, "alpha": 0.35, "solid_capstyle": "butt"}
            good.plot([low, high], [place, place], color=colour, zorder=2, **bar)
        (point,) = good.plot(mean, place, marker, color=colour, markersize=7, zorder=3)
        point.set_gid(tip(f"{summary.method}: {wording.interval(summary.speedup)}"))
        beside = {"textcoords": "offset points", "va": "center"}
        good.annotate(
            wording.times(mean), (1, place), (4, 0), xycoords=("axes fraction", "data"), weight="bold", **beside
        )
        if summary.seconds > 0:
            cost.plot(summary.seconds, place, marker, color=colour, markersize=5)
            cost.annotate(wording.seconds(summary.seconds), (summary.seconds, place), (7, 0), fontsize=8, **beside)
    method_axis(good, [summary.method for summary in summaries], look)
    ratio_axis(good, every, "x", most=4 if frame.narrow else 9)
    times = [summary.seconds for summary in summaries if summary.seconds > 0] or [1.0]
    room_for_text = 40 if frame.narrow else 12
    log_axis(cost, min(times) / 3, max(times) * room_for_text, durations=True, most=2 if frame.narrow else 3)
    for axes, label in ((good, "speedup over untuned"), (cost, "tuning time")):
        axes.grid(axis="x")
        axes.set_xlabel(label if frame.narrow else f"{label} (log scale)")
    cost.tick_params(axis="y", length=0)
    cost.spines["left"].set_color(FAINT)
    return figure
