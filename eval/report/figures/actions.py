"""One benchmark: what each action of each answer did, and when the answers were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eval.comparison import Comparison
from eval.report.figures.axes import log_axis
from eval.report.figures.colours import MUTED
from eval.report.figures.legend import add_legend
from eval.report.figures.style import WIDE, Margins, looks, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def actions(comparison: Comparison, benchmark: str) -> Figure:
    """Left: the value after each action of each method's best answer. Right: the best value so far of the same run."""
    look = looks(comparison.methods, comparison.baselines)
    figure = new_figure(WIDE, 3.6, Margins(top=0.28))
    steps, time = figure.subplots(1, 2, sharey=True)
    curves = {curve[:3]: curve for curve in comparison.curves if curve.benchmark == benchmark}
    longest, instants = 1, []
    for method, style in look.items():
        for row in comparison.of(method, benchmark):
            if row.seed is None:
                for axes in (steps, time):
                    axes.axhline(row.value, **style.stroke)
            elif row.steps:
                longest = max(longest, len(row.steps) - 1)
                steps.plot(row.steps, **style.line)
                curve = curves[benchmark, method, row.seed]
                moments = [*(point.seconds for point in curve.points), curve.seconds]
                instants += moments
                values = [point.value for point in curve.points]
                time.plot(moments, [*values, *values[-1:]], **style.line, markevery=[-1], drawstyle="steps-post")
    steps.axhline(comparison.starts()[benchmark], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    steps.set_xticks(np.unique(np.linspace(0, longest, min(longest, 16) + 1).round()))
    steps.set(xlabel="actions taken", ylabel=comparison.unit, title=benchmark)
    time.set(xlabel="time since the search began (log scale)")
    known = [instant for instant in instants if instant > 0] or [1.0]
    log_axis(time, min(known) / 1.2, max(known) * 1.2, durations=True)
    for axes in (steps, time):
        axes.grid()
    figure.subplots_adjust(wspace=0.05)
    add_legend(figure, look)
    return figure
