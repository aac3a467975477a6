"""How the speedups of each method are spread over benchmarks and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eval import wording
from eval.comparison import Comparison
from eval.report.figures.axes import finite, method_axis, ratio_axis
from eval.report.figures.colours import INK
from eval.report.figures.style import Frame, looks, new_figure
from eval.report.figures.svg import tip
from eval.statistics import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTLINE_POINTS = 50


def violins(comparison: Comparison, frame: Frame, summaries: Sequence[Summary]) -> Figure:
    """A violin for each method over all its runs, a tick for each run's speedup, and the interquartile mean."""
    summaries = [summary for summary in reversed(summaries) if summary.speedup.n]
    look = looks(comparison.methods, comparison.baselines)
    figure = new_figure(frame, 0.6 + 0.36 * max(2, len(summaries)))
    axes = figure.add_subplot()
    every: list[float] = []
    for place, summary in enumerate(summaries):
        runs = finite(row.speedup for row in comparison.of(summary.method))
        every += runs
        colour = look[summary.method].colour
        # The density is of the logarithms, as the axis is; drawn over them it would bulge to the right.
        density = axes.violinplot(np.log(runs), [place], orientation="horizontal", widths=0.8, points=OUTLINE_POINTS,
                                     showextrema=False)  # fmt: skip
        bodies: Any = density["bodies"]
        for body in bodies:
            (outline,) = body.get_paths()
            outline.vertices[:, 0] = np.exp(outline.vertices[:, 0])
            body.set(facecolor=colour, edgecolor=colour, alpha=0.35, linewidth=0.8)
        axes.plot(runs, [place] * len(runs), "|", color=colour, markersize=6, alpha=0.7, markeredgewidth=0.8)
        (middle,) = axes.plot(summary.iqm.mean, place, "D", color=INK, markersize=4.5)
        middle.set_gid(tip(f"{summary.method}, interquartile mean: {wording.interval(summary.iqm)}"))
    method_axis(axes, [summary.method for summary in summaries], look)
    ratio_axis(axes, every, "x")
    axes.grid(axis="x")
    axes.set_xlabel("speedup over untuned (log scale)")
    return figure
