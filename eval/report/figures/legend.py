"""What tells the methods of a figure apart: below a picture, and as elements of a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eval.report.figures.colours import THEMED
from eval.report.figures.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 6


def add_legend(figure: Figure, looks: Mapping[str, Look]) -> None:
    """Below a picture with margins, what a page has above its SVG. The figure grows by as much."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], **look.line) for look in looks.values()]
    width, height = figure.get_size_inches()
    taller = height + 0.15 + 0.2 * math.ceil(len(looks) / COLUMNS)
    below, above = figure.subplotpars.bottom * height, (1 - figure.subplotpars.top) * height
    figure.set_size_inches(width, taller)
    figure.subplots_adjust(bottom=(below + taller - height) / taller, top=1 - above / taller)
    figure.legend(lines, list(looks), loc="lower center", ncols=COLUMNS, handlelength=2.4)


def swatch(look: Look) -> str:
    """A sample of the line and marker of a method as an SVG element, for a page's legend."""
    from matplotlib.markers import MarkerStyle

    marker = MarkerStyle(look.marker)
    outline: Any = marker.get_path().transformed(marker.get_transform()).to_polygons()[0]
    points = " ".join(f"{14 + 7 * x:.1f},{6 - 7 * y:.1f}" for x, y in outline)
    width = look.line["linewidth"]
    dashes = " ".join(f"{width * length:g}" for length in look.dashes) or "none"
    colour = f"var(--{THEMED[look.colour]})"
    return (
        '<svg viewBox="0 0 28 12" width="28" height="12" aria-hidden="true">'
        f'<path d="M0 6H28" stroke="{colour}" stroke-width="{width:g}" stroke-dasharray="{dashes}"/>'
        f'<polygon points="{points}" fill="{colour}"/></svg>'
    )
