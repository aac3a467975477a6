"""On which share of the benchmarks a method is how good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eval.comparison import Comparison
from eval.report.figures.axes import finite, ratio_axis, share_axis
from eval.report.figures.style import Frame, Look, Margins, looks, new_figure
from eval.statistics import fast_p, performance_profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROFILE_MARKS = 10
"""About as many marks on a line tell it from others without hiding them."""
BEYOND = 1e9
"""A ratio right of every axis, and by its inverse left of it."""
FARTHEST_PROFILE = 20.0
"""Who is so many times worse than the best is not worth the room on the axis."""


def profile(comparison: Comparison, frame: Frame) -> Figure:
    """The performance profile: on which share of benchmarks a method is at most so many times worse than the best."""
    axes, figure = _axes(frame)
    look = looks(comparison.methods, comparison.baselines)
    profiles = performance_profile(comparison)
    for name, ratios in profiles.items():
        if len(ratios):
            shares = np.arange(1, len(ratios) + 1) / len(ratios)
            known = np.isfinite(ratios)
            top = shares[known][-1] if known.any() else 0.0
            _steps(axes, [1, *ratios[known], BEYOND], [0, *shares[known], top], look[name], "steps-post")
    every = finite(ratio for ratios in profiles.values() for ratio in ratios)
    ratio_axis(axes, [1.0, *(min(ratio, FARTHEST_PROFILE) for ratio in every)], "x", line_at_one=False)
    axes.set_xlim(left=1 / 1.01)
    axes.set_xlabel(
        "times worse than the best of all"
        if frame.narrow
        else "at most so many times worse than the best of all (log scale)"
    )
    axes.set_ylabel("share of benchmarks")
    return figure


def fast_share(comparison: Comparison, frame: Frame, baseline: str | None = None) -> Figure:
    """fast_p for every p: the share of benchmarks on which a method is more than p times as good as the baseline."""
    axes, figure = _axes(frame)
    every: list[float] = []
    for name, look in looks(comparison.methods, comparison.baselines).items():
        ratios, weights = fast_p(comparison, name, baseline)
        if name == baseline or not len(ratios):
            continue
        every += finite(ratios)
        reached = ratios > 0
        above = 1 - np.concatenate(([0], np.cumsum(weights)))
        first = above[int(np.sum(~reached))]
        _steps(axes, [1 / BEYOND, *ratios[reached]], [first, *above[1:][reached]], look, "steps-post")
    ratio_axis(axes, every, "x")
    over = "untuned" if baseline is None else baseline
    axes.set_xlabel(f"p, as a ratio to {over}" + ("" if frame.narrow else " (log scale)"))
    axes.set_ylabel("share of benchmarks above p")
    return figure


def _axes(frame: Frame) -> tuple[Axes, Figure]:
    figure = new_figure(frame, 2.9 if frame.narrow else 3.6, Margins())
    axes = figure.add_subplot()
    share_axis(axes)
    axes.grid()
    return axes, figure


def _steps(axes: Axes, places: list[float], shares: list[float], look: Look, drawstyle: str) -> None:
    marks = slice(1, len(places), max(1, math.ceil(len(places) / PROFILE_MARKS)))
    axes.plot(places, shares, drawstyle=drawstyle, markevery=marks, **look.line)
