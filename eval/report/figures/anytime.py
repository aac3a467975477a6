"""How fast each method comes to its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eval.comparison import Comparison, Curve
from eval.report.figures.axes import finite, log_axis, ratio_axis
from eval.report.figures.style import Frame, Look, Margins, looks, new_figure
from eval.statistics import by_benchmark
from eval.trial import CurvePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_SAMPLES = 160
FEW = 4
"""As many bands can be told apart. Of more, only the strongest method's is shown."""

LOWEST_IN_SIGHT = 0.9
"""Over untuned. A baseline below it would press what is to be seen into a corner, and stays outside."""


class Effort(NamedTuple):
    """What a curve is drawn over."""

    label: str
    of: Callable[[CurvePoint], float]
    end: Callable[[Curve], float]


def anytime_seconds(comparison: Comparison, frame: Frame) -> Figure:
    """The best value so far over time."""
    effort = Effort("time since the search began", lambda point: point.seconds, lambda curve: curve.seconds)
    return _anytime(comparison, frame, effort, durations=True)


def anytime_evaluations(comparison: Comparison, frame: Frame) -> Figure:
    """The best value so far over the number of evaluations."""
    spent = {(row.benchmark, row.method, row.seed): float(row.evaluations) for row in comparison.rows}
    effort = Effort("evaluations", lambda point: float(point.evaluations), lambda curve: spent[curve[:3]])
    return _anytime(comparison, frame, effort, durations=False)


def _anytime(comparison: Comparison, frame: Frame, effort: Effort, durations: bool) -> Figure:
    figure = new_figure(frame, 3.1 if frame.narrow else 3.9, Margins())
    axes = figure.add_subplot()
    searches = [curve for curve in comparison.curves if curve.points and curve.start > 0]
    look = looks(comparison.methods, comparison.baselines)
    if searches:
        first = min(effort.of(curve.points[0]) for curve in searches)
        last = max(effort.end(curve) for curve in searches)
        low = max(first, last * 1e-5)
        grid = np.geomspace(low, max(last, low * 1.01), CURVE_SAMPLES)
        every: list[float] = []
        for method in comparison.methods:
            curves = [curve for curve in searches if curve.method == method]
            if curves:
                band = look[method].strong or len(comparison.methods) <= FEW
                every += _line(axes, look[method], curves, grid, effort, comparison.higher_is_better, band)
        for baseline in comparison.baselines:
            ratios = finite(by_benchmark(comparison.of(baseline)).values())
            if ratios:
                middle = float(np.median(ratios))
                every.append(max(middle, LOWEST_IN_SIGHT))
                axes.axhline(middle, **look[baseline].stroke, linewidth=1)
        log_axis(axes, grid[0], grid[-1] * 1.1, durations, most=4 if frame.narrow else 6)
        ratio_axis(axes, every, "y")
    axes.grid()
    axes.set_xlabel(f"{effort.label} (log scale)")
    axes.set_ylabel("best so far over untuned")
    return figure


def _line(
    axes: Axes, look: Look, curves: list[Curve], grid: np.ndarray, effort: Effort, higher_is_better: bool, band: bool
) -> list[float]:
    values = np.array([_sampled(curve, grid, effort, higher_is_better) for curve in curves])
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    ended = int(np.searchsorted(grid, max(effort.end(curve) for curve in curves) * (1 - 1e-9)))
    run, rest = slice(None, ended + 1), slice(ended, None)
    step: dict[str, Any] = {"drawstyle": "steps-post", **look.line}
    if band:
        shade: dict[str, Any] = {"color": look.colour, "alpha": 0.14, "linewidth": 0, "gid": look.gid}
        axes.fill_between(grid[run], low[run], high[run], step="post", **shade)
    axes.plot(grid[run], middle[run], **step, markevery=[-1])
    axes.plot(grid[rest], middle[rest], **step | {"linestyle": ":", "linewidth": 0.9, "marker": "", "alpha": 0.8})
    return [*(low if band else middle), *(high if band else middle)]


def _sampled(curve: Curve, grid: np.ndarray, effort: Effort, higher_is_better: bool) -> np.ndarray:
    """The curve at the places of a grid: a step function that starts at 1, the untuned state."""
    places = np.array([effort.of(point) for point in curve.points])
    values = np.append(1.0, curve.relative_to_start(higher_is_better))
    return values[np.searchsorted(places, grid * (1 + 1e-9), side="right")]
