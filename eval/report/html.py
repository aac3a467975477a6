"""The elements of a report, and the frame around them: one page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell of a table."""

    text: str
    sort: str = ""
    """What the column is sorted by where that is not the text: a plain number, or empty for what is missing."""
    look: str = ""
    """Class names."""


Line = Sequence[Cell | str]


def page(title: str, body: str) -> str:
    """A complete HTML document. Its policy forbids every script but the report's own, and anything from outside."""
    style, script = ((files(__package__) / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    guard = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{allowed}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{guard}">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def header(title: str, text: str, links: Mapping[str, str]) -> str:
    """The page's title, a line below it, and links to its sections: titles by anchor."""
    anchors = "".join(f'<a href="#{html.escape(to)}">{html.escape(name)}</a>' for to, name in links.items())
    return (
        f"<header><h1>{html.escape(title)}</h1>{paragraph(text, 'muted')}</header>\n"
        f'<nav aria-label="Sections">{anchors}</nav>'
    )


def section(title: str, anchor: str, *parts: str, level: int = 2) -> str:
    head = f"<h{level}>{html.escape(title)}</h{level}>"
    return f'<section id="{html.escape(anchor)}">\n{head}\n' + "\n".join(filter(None, parts)) + "\n</section>"


def paragraph(text: str, look: str = "") -> str:
    """`look` is "muted", "note" for small print, or nothing."""
    return f"<p{f' class={look}' if look else ''}>{html.escape(text)}</p>"


def bullets(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def card(figure: str, text: str) -> str:
    """One large figure and what it means."""
    return f"<div class=card><b>{html.escape(figure)}</b><span>{html.escape(text)}</span></div>"


def table(
    caption: str,
    head: Sequence[str],
    lines: Iterable[Line],
    *,
    strong: Iterable[str] = (),
    look: str = "",
) -> str:
    """Figures to the right of names; a click on a column's head sorts by it. Lines named in `strong` stand out.

    `caption` is for those who can't see where the table stands; `look` is "broad" where there is a column for
    each contestant, and "broad matrix" where their names are to stand upright.
    """
    strong = set(strong)
    titles = "".join(f"<th scope=col>{html.escape(cell)}</th>" for cell in head)
    body = "\n".join(_line([cell if isinstance(cell, Cell) else Cell(cell) for cell in line], strong) for line in lines)
    return (
        f'<div class="wide {look}" tabindex=0 role=region aria-label="{html.escape(caption)}"><table class=sortable>'
        f"<thead><tr>{titles}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _line(cells: Sequence[Cell], strong: set[str]) -> str:
    first, *rest = cells
    name = f"<th scope=row{_attributes(first)}>{html.escape(first.text)}</th>"
    figures = "".join(f"<td{_attributes(cell)}>{html.escape(cell.text)}</td>" for cell in rest)
    return f"<tr{' class=strong' if first.text in strong else ''}>{name}{figures}</tr>"


def _attributes(cell: Cell) -> str:
    look = f' class="{cell.look}"' if cell.look else ""
    return look + (f' data-sort="{html.escape(cell.sort)}"' if cell.sort != "" or cell.text == "-" else "")


def glossary(entries: Mapping[str, str]) -> str:
    """Names and their text."""
    lines = (f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in entries.items())
    return f"<dl>{''.join(lines)}</dl>"


def figure(title: str, svgs: Sequence[str], caption: str, legend: str = "") -> str:
    """A figure as drawn for a wide page and for a phone."""
    label = f'<svg role="img" aria-label="{html.escape(title)}" '
    wide, narrow = (svg.replace("<svg ", label, 1) for svg in svgs)
    return (
        f"<figure><p class=title>{html.escape(title)}</p>{legend}"
        f"<div class=on-wide>{wide}</div><div class=on-narrow>{narrow}</div>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def legend(swatches: Mapping[str, str]) -> str:
    """The methods of a figure with samples of their lines. Where scripts run, a click brings a method out."""
    chips = "".join(
        f'<button type=button class=chip aria-pressed=false data-method="{html.escape(name)}">{swatch}'
        f"{html.escape(name)}</button>"
        for name, swatch in swatches.items()
    )
    return f'<div class=legend role=group aria-label="Methods; choose some to bring them out">{chips}</div>'


def switch(name: str, label: str, options: Mapping[str, str]) -> str:
    """Contents of which one is shown at a time, by the titles to choose them by. It works without scripts."""
    choices, contents = [], []
    for index, (title, content) in enumerate(options.items()):
        chosen = " checked" if index == 0 else ""
        choices.append(
            f'<label><input type=radio name="{html.escape(name)}" value={index}{chosen}>{html.escape(title)}</label>'
        )
        contents.append(f"<div class=option>{content}</div>")
    return (
        f"<div class=switch><fieldset><legend>{html.escape(label)}</legend>{''.join(choices)}</fieldset>"
        f"{''.join(contents)}</div>"
    )


def fold(title: str, content: str, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{title}</summary>{content}</details>"


def code(text: str, wrapped: bool = False) -> str:
    """Text as it stands. Where its lines are not wrapped, it scrolls, by keys too."""
    return f"<pre{' class=command' if wrapped else ' tabindex=0'}><code>{html.escape(text)}</code></pre>"
