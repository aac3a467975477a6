"""Every method on every benchmark, as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eval import wording
from eval.comparison import Comparison
from eval.report.figures.axes import ratio_axis
from eval.report.figures.style import Frame, Margins, looks, new_figure
from eval.report.figures.svg import tip
from eval.statistics import Summary, speedups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 60
"""In one panel; the CSV has all."""
PANEL = 1.15
"""Inches from one line of panels to the next."""
LONGEST_BESIDE = 15
"""Letters of a name that leave room for a figure beside it on a phone."""


def bars(comparison: Comparison, frame: Frame, summaries: Sequence[Summary]) -> Figure:
    """A panel for each method with a bar for each benchmark: the speedup over the untuned state, up or down from 1.

    Benchmarks are in the same order in each panel: by the speedup of the first contestant that is drawn.
    """
    of = speedups(comparison)
    means = {one.method: one.speedup.mean for one in summaries}
    first = "policy" if "policy" in of else summaries[0].method
    order = sorted(comparison.benchmarks, key=lambda name: -np.nan_to_num(of[first][name]))[:MOST_BARS]
    look = looks(comparison.methods, comparison.baselines)
    columns = min(len(means), 2 if frame.narrow else 4)
    lines = -(-len(means) // columns)
    height = 0.5 + PANEL * lines
    figure = new_figure(frame, height, Margins(left=0.66, right=0.06, bottom=0.3, top=0.22))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat
    every = [ratio for name in means for ratio in of[name].values()]
    for name, axes in zip(means, panels, strict=False):
        ratios = [of[name][benchmark] for benchmark in order]
        for place, (benchmark, ratio) in enumerate(zip(order, ratios, strict=True)):
            if 0 < ratio < math.inf:
                (bar,) = axes.bar(place, ratio - 1, bottom=1, width=0.8, color=look[name].colour, alpha=0.9)
                bar.set_gid(tip(f"{benchmark}, {name}: {wording.times(ratio)}"))
        ratio_axis(axes, every, "y", most=4)
        axes.grid(axis="y")
        axes.set_xticks([])
        axes.set_xlim(-0.7, len(order) - 0.3)
        axes.set_title(name, color=look[name].colour)
        if not frame.narrow or len(name) <= LONGEST_BESIDE:
            axes.set_title(wording.times(means[name]), loc="right", weight="normal")
    for axes in panels:
        axes.set_axis_off()
    figure.supylabel("speedup over untuned", fontsize=9, x=0.06 / frame.width, ha="left")
    figure.supxlabel("benchmarks", fontsize=9, y=0.06 / height, va="bottom")
    figure.subplots_adjust(wspace=0.08, hspace=0.32)
    return figure
