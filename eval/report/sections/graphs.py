"""Graphs of searches, to be zoomed into."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from eval.report import html

MOST_BYTES = 4_000_000
"""Of all graphs in a page, so that it opens on a phone."""
SVG = "http://www.w3.org/2000/svg"
TOOLS = {"+": ("+", "zoom in"), "-": ("\u2212", "zoom out"), "0": ("fit", "show all")}
"""What a button shows, and what it does, by the key that does the same."""

CHOICE = (
    '<div class=tools data-choose=".graphs > details" hidden><label>Search <select></select></label>'
    "<span class=muted>Drag to move; click into the graph and scroll to zoom.</span></div>"
)


def graph_frames(graphs: Mapping[str, str]) -> str:
    """A fold for each graph, an SVG text by its name; where scripts run, one is shown at a time, to be chosen."""
    folds, room = [], MOST_BYTES
    for index, (name, svg) in enumerate(graphs.items()):
        room -= len(svg)
        if room < 0:
            break
        folds.append(html.fold(f"<b>{markup.escape(name)}</b>", _frame(name, _element(svg, f"graph-{index}"))))
    left_out = len(graphs) - len(folds)
    more = html.paragraph(f"{left_out} more had no room in this page.", "note") if left_out else ""
    return f"{CHOICE}<div class=graphs>{''.join(folds)}</div>{more}"


def _frame(name: str, svg: str) -> str:
    buttons = "".join(
        f'<button type=button data-key="{key}" aria-label="{label}" title="{label}">{text}</button>'
        for key, (text, label) in TOOLS.items()
    )
    return (
        f'<div><div class="tools zoom-tools" hidden>{buttons}</div>'
        f'<div class=zoom tabindex=0 role=group aria-label="Graph of {markup.escape(name)}">'
        f"<div>{svg}</div></div></div>"
    )


def _element(svg: str, prefix: str) -> str:
    """The SVG as an element of a page: well-formed, in no namespace of its own, its names unlike those of others."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    element = ElementTree.tostring(ElementTree.fromstring(svg), encoding="unicode")
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", element)
