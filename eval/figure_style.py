"""One look for all figures: Okabe-Ito colours, a marker for each method, ink that follows a page's theme."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1b1f24"
FAINT = "#c9ced6"
MUTED = "#6b7480"
"""Text and lines, grid lines, and what is in the background. A page replaces them by its own colours."""

POLICY_COLOURS = {"policy": "#d55e00", "policy_sampled": "#e69f00"}
OTHER_COLOURS = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#7f6000", "#8a63d2")
"""Okabe and Ito, "Color Universal Design" (2008), without black and yellow, which vanish on one of the
backgrounds; the last two serve when there are more methods than colours. Markers tell methods apart without
any colour."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "tunewright",
}


class Look(NamedTuple):
    colour: str
    marker: str


def looks(methods: Sequence[str], baselines: Sequence[str]) -> dict[str, Look]:
    """The same look for a method in every figure of a report. Baselines are drawn in ink."""
    others = cycle(OTHER_COLOURS)
    chosen = {name: POLICY_COLOURS.get(name) or next(others) for name in methods}
    chosen |= dict.fromkeys(baselines, INK)
    return {name: Look(chosen[name], marker) for name, marker in zip(chosen, cycle(MARKERS), strict=False)}


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches, drawn without a window or global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def write_png(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=160, metadata={"Software": None})


def to_svg(figure: Figure) -> str:
    """The figure as an SVG element for a page: no background, and colours that follow the page's theme."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    element = buffer.getvalue()
    element = element[element.index("<svg") :]
    themed = {INK: "var(--ink)", FAINT: "var(--line)", MUTED: "var(--muted)", "#ffffff": "var(--page)"}
    for colour, variable in themed.items():
        element = element.replace(colour, variable)
    return element
