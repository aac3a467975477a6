"""Figures of a contest: how the best so far grows, and who was how much better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from eval.kernel_tuners.contest import Result
from eval.kernel_tuners.verdict import verdict
from eval.report.figures.colours import OTHER_COLOURS, POLICY_COLOUR
from eval.report.figures.style import STYLE, WIDE, new_figure
from eval.report.figures.svg import write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (POLICY_COLOUR, *OTHER_COLOURS)
TITLE_WIDTH = 24
"""Letters of a kernel's name in a line."""
COLUMNS = 4
"""Kernels side by side."""
QUARTILES = (25, 75)
"""The band: half of all runs are in it."""


def write_figures(results: Sequence[Result], folder: Path, prefix: str) -> list[Path]:
    """`<prefix>convergence.png` and `<prefix>ratios.png`."""
    import matplotlib

    paths = [folder / f"{prefix}{name}.png" for name in ("convergence", "ratios")]
    with matplotlib.rc_context(STYLE):
        for path, draw in zip(paths, (convergence, ratios), strict=True):
            write_png(draw(results), path)
    return paths


def convergence(results: Sequence[Result]) -> Figure:
    """A panel a kernel: the median of the best so far over trials and the middle half, as a share of the best found."""
    kernels, look = _kernels(results), _colours(results)
    rows = math.ceil(len(kernels) / COLUMNS)
    figure = new_figure(WIDE, 2.1 * rows + 0.5)
    panels = figure.subplots(rows, min(COLUMNS, len(kernels)), squeeze=False, sharex=True, sharey=True)
    for axes, kernel in zip(panels.flat, kernels, strict=False):
        _curves(axes, [result for result in results if result.kernel == kernel], look)
        axes.set_title("\n".join(wrap(kernel.replace("_", " "), TITLE_WIDTH)), fontsize=8)
        axes.grid(axis="y")
    for axes in panels.flat[len(kernels) :]:
        axes.set_axis_off()
    figure.supxlabel("trials", fontsize=9)
    figure.supylabel("best so far, share of the best found", fontsize=9)
    handles, names = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=6, fontsize=8)
    return figure


def ratios(results: Sequence[Result]) -> Figure:
    """The area under the curve as a multiple of the first contestant's: each kernel a dot, all with their interval."""
    methods, look = list(_colours(results)), _colours(results)
    first, *others = methods
    figure = new_figure(WIDE, 0.45 * len(others) + 0.9)
    axes = figure.subplots()
    for row, method in enumerate(reversed(others)):
        found = verdict(results, method, first)
        values = list(found.by_kernel.values())
        axes.plot(values, np.full(len(values), row), "o", color=look[method], alpha=0.35, markersize=4)
        low, high = found.over_seeds.low, found.over_seeds.high
        if math.isfinite(low):
            axes.plot([low, high], [row, row], color=look[method], linewidth=2.2)
        axes.plot([found.over_kernels.mean], [row], "D", color=look[method], markersize=6)
    axes.axvline(1, color="0.3", linewidth=0.8)
    axes.set_yticks(range(len(others)), list(reversed(others)))
    axes.set_xlabel(f"area under the best-so-far curve, as a multiple of {first}'s; line: 95 % over seeds")
    axes.grid(axis="x")
    return figure


def _curves(axes: Axes, results: Sequence[Result], look: dict[str, str]) -> None:
    best = max(float(result.run.best.max()) for result in results)
    for method, each in look.items():
        curves = np.stack([result.run.best for result in results if result.method == method]) / best
        trials = np.arange(1, curves.shape[1] + 1)
        low, high = np.percentile(curves, QUARTILES, axis=0)
        axes.fill_between(trials, low, high, color=each, alpha=0.12, linewidth=0)
        axes.plot(trials, np.median(curves, axis=0), label=method, linewidth=1.4, color=each)


def _kernels(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result.kernel for result in results))


def _colours(results: Sequence[Result]) -> dict[str, str]:
    """A colour for each contestant."""
    return dict(zip(dict.fromkeys(result.method for result in results), cycle(COLOURS), strict=False))
