"""A figure as a picture, and as an element of a page that follows the page's theme."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from eval.report.figures.colours import THEMED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_png(figure: Figure, path: Path, dpi: int = 160) -> None:
    figure.savefig(path, dpi=dpi, metadata={"Software": None})


def tip(text: str) -> str:
    """A `gid` for a thing that is drawn: what a page shows when the mouse is over it."""
    return f"tip:{_hex(text)}"


def method_id(name: str) -> str:
    """A `gid` for what is drawn of a method, by which a page finds it."""
    return f"method:{_hex(name)}"


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element for a page: no background, and colours that follow the page's theme.

    `name` is put before the element's names, so that several figures can be in one page. What has a `method_id` has the
    method's name as `data-method`.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    element = buffer.getvalue()
    element = element[element.index("<svg") :]
    for colour, variable in THEMED.items():
        element = element.replace(colour, f"var(--{variable})")
    element = re.sub(r'="[^"]*"', lambda found: re.sub(r"(\d\.\d\d)\d+", r"\1", found[0]), element)
    element = re.sub(r'id="method:([0-9a-f]+)"', lambda found: f'data-method="{_text(found[1])}"', element)
    element = re.sub(r'id="tip:([0-9a-f]+)">', lambda found: f"><title>{_text(found[1])}</title>", element)
    element = re.sub(r'<g id="(?:patch|text|line2d|xtick|ytick|matplotlib\.axis)_\d+"', "<g", element)
    element = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", element)
    return re.sub(r">\s+<", "><", element)


def _hex(text: str) -> str:
    """An identifier that any text can be read back from."""
    return text.encode().hex()


def _text(encoded: str) -> str:
    return html.escape(bytes.fromhex(encoded).decode())
