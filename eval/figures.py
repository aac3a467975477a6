"""The four figures of a report. Each shows its sample size, its units, and what its marks mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from eval import wording
from eval.comparison import Comparison, Curve
from eval.figure_style import FAINT, INK, MUTED, STYLE, Look, looks, new_figure
from eval.statistics import by_benchmark, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.2
"""Inches, which at the usual 100 pixels for an inch is the narrowest page that they are made for."""
MOST_BENCHMARKS = 40
"""As many fit in one figure of single benchmarks; the CSV has all."""
CURVE_SAMPLES = 240
PROFILE_MARKS = 12
"""About as many marks on a line tell it from others without hiding them."""
FAR_LEFT = 1e-6
"""A ratio below every axis, where a profile begins at 100 %."""


def draw_figures(comparison: Comparison) -> dict[str, Figure]:
    """Every figure by the name of its file."""
    import matplotlib

    drawings: Mapping[str, Callable[[Comparison], Figure]] = {
        "speedup_bars": speedup_bars,
        "speedup_profile": speedup_profile,
        "anytime": anytime,
        "per_benchmark": per_benchmark,
    }
    with matplotlib.rc_context(STYLE):
        return {name: draw(comparison) for name, draw in drawings.items()}


def speedup_bars(comparison: Comparison) -> Figure:
    """The geometric mean of each method with its interval, and each benchmark as a dot."""
    summaries = [summary for summary in summarise(comparison) if summary.speedup.n]
    look = _looks(comparison)
    figure = new_figure(WIDTH, 1.3 + 0.42 * len(summaries))
    axes = figure.add_subplot()
    for place, summary in enumerate(reversed(summaries)):
        mean, low, high, _ = summary.speedup
        colour = FAINT if summary.method in comparison.baselines else look[summary.method].colour
        axes.barh(place, mean, height=0.62, color=colour, alpha=0.85, zorder=1)
        dots = _finite(by_benchmark(comparison.of(summary.method)).values())
        heights = place + np.random.default_rng(0).uniform(-0.2, 0.2, len(dots))
        axes.plot(dots, heights, "o", markersize=2.6, color=INK, alpha=0.45, markeredgewidth=0, zorder=2)
        if math.isfinite(low):
            axes.errorbar(
                mean, place, xerr=[[mean - low], [high - mean]], color=INK, capsize=3.5, linewidth=1.4, zorder=3
            )
        axes.annotate(
            f"{wording.number(mean)}×",  # noqa: RUF001
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )
    axes.axvline(1, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    axes.set_yticks(range(len(summaries)), [summary.method for summary in reversed(summaries)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    axes.grid(axis="x")
    axes.set_xlabel("speedup over the untuned state (ratio; dashed: no change)")
    _title(axes, "Geometric mean speedup", comparison)
    return figure


def speedup_profile(comparison: Comparison) -> Figure:
    """For each method, the share of benchmarks on which it reaches a speedup or more."""
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(WIDTH, 3.9)
    axes = figure.add_subplot()
    every: list[float] = []
    for method, look in _looks(comparison).items():
        speedups = sorted(_finite(by_benchmark(comparison.of(method)).values()))
        if not speedups:
            continue
        every += speedups
        shares = 1 - np.arange(len(speedups)) / len(speedups)
        line = "--" if method in comparison.baselines else "-"
        width = 2.4 if method == "policy" else 1.5
        axes.step(
            [FAR_LEFT, *speedups, speedups[-1]],
            [1, *shares, 0],
            where="pre",
            color=look.colour,
            linestyle=line,
            linewidth=width,
            marker=look.marker,
            markevery=range(1, len(speedups) + 1, max(1, len(speedups) // PROFILE_MARKS)),
            zorder=3 if method == "policy" else 2,
            markersize=4.5,
            label=method,
        )
    _log_ratio_axis(axes, every, "x")
    axes.set_ylim(0, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid()
    axes.set_xlabel("speedup over the untuned state (ratio, log scale)")
    axes.set_ylabel("benchmarks with at least\nthis speedup")
    _title(axes, "Share of benchmarks that reach a speedup", comparison)
    _legend(figure, axes)
    return figure


def anytime(comparison: Comparison) -> Figure:
    """The best value so far against time: the median over benchmarks and seeds, and the middle half as a band."""
    from matplotlib.ticker import FuncFormatter

    figure = new_figure(WIDTH, 4.1)
    axes = figure.add_subplot()
    searches = [curve for curve in comparison.curves if curve.points and curve.start > 0]
    if searches:
        first = min(curve.points[0].seconds for curve in searches)
        last = max(curve.seconds for curve in searches)
        grid = np.geomspace(max(first, last * 1e-5), last, CURVE_SAMPLES)
        every: list[float] = []
        for method, look in _looks(comparison).items():
            curves = [curve for curve in searches if curve.method == method]
            if curves:
                every += _anytime_line(axes, method, look, curves, grid, comparison.higher_is_better)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: _duration(second)))
        _log_ratio_axis(axes, every, "y")
    axes.grid()
    axes.set_xlabel("time since the search began (log scale)")
    axes.set_ylabel("best so far over the untuned state\n(ratio, as measured by the search)")
    _title(axes, "Best so far over time", comparison)
    _legend(figure, axes)
    return figure


def _anytime_line(
    axes: Axes, method: str, look: Look, curves: list[Curve], grid: np.ndarray, higher_is_better: bool
) -> list[float]:
    values = np.array([_sampled(curve, grid, higher_is_better) for curve in curves])
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    ended = int(np.searchsorted(grid, max(curve.seconds for curve in curves)))
    run, rest = slice(None, ended + 1), slice(ended, None)
    style: dict[str, Any] = {"color": look.colour, "drawstyle": "steps-post"}
    axes.fill_between(grid[run], low[run], high[run], step="post", color=look.colour, alpha=0.1, linewidth=0)
    width = 2.4 if method == "policy" else 1.5
    axes.plot(grid[run], middle[run], marker=look.marker, markevery=[-1], linewidth=width, label=method, **style)
    axes.plot(grid[rest], middle[rest], linewidth=1, linestyle=":", **style)
    return [*low, *high]


def _sampled(curve: Curve, grid: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """The curve at the moments of a grid: a step function that starts at 1, the untuned state."""
    times = np.array([point.seconds for point in curve.points])
    values = np.append(1.0, curve.relative_to_start(higher_is_better))
    return values[np.searchsorted(times, grid, side="right")]


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds > 0.99 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def per_benchmark(comparison: Comparison) -> Figure:
    """Each benchmark's values: a bar for the untuned state, a mark for each method, a stroke for each baseline."""
    starts = comparison.starts()
    names = list(starts)[:MOST_BENCHMARKS]
    figure = new_figure(WIDTH, 1.5 + 0.34 * len(names))
    axes = figure.add_subplot()
    places = np.arange(len(names))[::-1]
    axes.barh(places, [starts[name] for name in names], height=0.7, color=FAINT, label="untuned", zorder=1)
    lanes = dict(zip(comparison.methods, np.linspace(0.26, -0.26, len(comparison.methods)), strict=True))
    for method, look in _looks(comparison).items():
        medians = [_median([row.value for row in comparison.of(method, name)]) for name in names]
        if method in comparison.baselines:
            axes.plot(medians, places, "|", color=look.colour, markersize=15, markeredgewidth=2.2, label=method)
        else:
            size = 6.5 if method == "policy" else 4.8
            rows = places + lanes[method]
            axes.plot(medians, rows, look.marker, color=look.colour, markersize=size, alpha=0.9, label=method)
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlim(left=0)
    axes.grid(axis="x")
    better = "higher" if comparison.higher_is_better else "lower"
    axes.set_xlabel(f"{comparison.unit} ({better} is better; median over seeds, measured anew)")
    shown = "" if len(names) == len(starts) else f", the first {len(names)}"
    _title(axes, f"Value on each benchmark{shown}", comparison)
    _legend(figure, axes)
    return figure


def _looks(comparison: Comparison) -> dict[str, Look]:
    return looks(comparison.methods, comparison.baselines)


def _title(axes: Axes, text: str, comparison: Comparison) -> None:
    """The title, and at the other end of its line how much it rests on."""
    benchmarks, seeds = len(comparison.benchmarks), len(comparison.seeds)
    sample = f"n = {benchmarks} benchmarks" + (f" × {seeds} seeds" if seeds > 1 else "")  # noqa: RUF001
    axes.set_title(text, loc="left")
    axes.set_title(sample, loc="right", fontsize=9, color=MUTED, weight="normal")


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)), handlelength=1.8)


def _log_ratio_axis(axes: Axes, ratios: list[float], which: str) -> None:
    """A logarithmic axis with round ratios as ticks and a line at 1."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = min([*ratios, 0.97]), max([*ratios, 1.6])
    marks = [mantissa * 10.0**power for power in range(-4, 7) for mantissa in (1, 2, 5)]
    if high / low < 8:
        marks = [mantissa * 10.0**power for power in range(-4, 7) for mantissa in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low / 1.04, high * 1.06)
    axis.set_major_locator(FixedLocator(marks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}×"))  # noqa: RUF001
    (axes.axvline if which == "x" else axes.axhline)(1, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)


def _finite(ratios: Iterable[float]) -> list[float]:
    return [ratio for ratio in ratios if 0 < ratio < math.inf]


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else math.nan
