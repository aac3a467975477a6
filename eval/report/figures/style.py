"""One look for all figures: a colour for each family of methods, a marker for each method, ink that follows a theme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from eval.report.figures.colours import FAINT, INK, MUTED, OTHER_COLOURS, POLICY_COLOUR
from eval.report.figures.svg import method_id

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.5), (3, 1.2, 1, 1.2), (1, 1))
"""Lengths of strokes and gaps, in line widths, that tell the members of a family apart; none for a full line."""
POLICY = "policy"

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "tunewright",
}


class Frame(NamedTuple):
    """The room that a figure has."""

    width: float
    """Inches."""
    narrow: bool


WIDE, NARROW = Frame(8.6, False), Frame(3.7, True)
"""For a page of 60 rem, and for a phone: text is then about as large as the page's own."""


class Look(NamedTuple):
    colour: str
    marker: str
    dashes: tuple[float, ...]
    gid: str
    """A name for what is drawn of this method, by which a page finds it."""
    strong: bool
    """Whether to draw it before all others."""

    @property
    def stroke(self) -> dict[str, Any]:
        """What a line without markers is drawn with."""
        style = (0, self.dashes) if self.dashes else "-"
        return {"color": self.colour, "linestyle": style, "gid": self.gid, "zorder": 4 if self.strong else 2}

    @property
    def line(self) -> dict[str, Any]:
        """What a line with markers is drawn with."""
        return self.stroke | {"linewidth": 2.4 if self.strong else 1.4, "marker": self.marker, "markersize": 4.5}


def looks(methods: Sequence[str], baselines: Sequence[str]) -> dict[str, Look]:
    """The same look for a method in every figure of a report. Baselines are drawn in ink.

    A family is what shares the letters before the first digit or underscore, such as beam2 and beam4.
    """
    others, markers, members = cycle(OTHER_COLOURS), cycle(MARKERS), dict[str, int]()
    colours = {POLICY: POLICY_COLOUR}
    chosen = {}
    for name in (*methods, *baselines):
        family = "" if name in baselines else re.split(r"[\d_]", name, maxsplit=1)[0]
        if family not in colours:
            colours[family] = next(others) if family else INK
        place = members[family] = members.get(family, -1) + 1
        chosen[name] = Look(
            colours[family], next(markers), DASHES[place % len(DASHES)], method_id(name), name == POLICY
        )
    return chosen


class Margins(NamedTuple):
    """Inches around the axes of a figure."""

    left: float = 0.7
    right: float = 0.25
    bottom: float = 0.46
    top: float = 0.12


def new_figure(frame: Frame, height: float, margins: Margins | None = None) -> Figure:
    """A figure, `height` in inches, drawn without a window or global state.

    Without `margins` it is laid out around its texts, which takes as long again as to draw it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(frame.width, height), layout=None if margins else "constrained", facecolor="white")
    if margins:
        left, right = margins.left / frame.width, 1 - margins.right / frame.width
        figure.subplots_adjust(left, margins.bottom / height, right, 1 - margins.top / height)
    return figure
