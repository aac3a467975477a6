"""The frame of the report: one page with its style inside, which loads nothing from anywhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1b1f24; --muted: #5c6570; --line: #d5dae1;
  --card: #f5f7f9; --accent: #b34700; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --ink: #e6e9ed; --muted: #9aa4b0; --line: #363d46;
  --card: #1c2127; --accent: #ff9a57; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p, ul { margin: .5rem 0; } li { margin: .2rem 0; }
.muted, figcaption { color: var(--muted); }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); margin: 1.4rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.card b { display: block; font-size: 1.75rem; line-height: 1.25; color: var(--accent);
  font-variant-numeric: tabular-nums; }
.card span { display: block; font-size: .88rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--muted); } th:first-child, td:first-child { text-align: left; }
tr.strong td { font-weight: 650; background: var(--card); } td b { color: var(--accent); }
table.text td { white-space: normal; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
table.text td:first-child { white-space: nowrap; color: var(--muted); }
figure { margin: 1.2rem 0 2rem; } figure svg { display: block; width: 100%; min-width: 34rem; height: auto; }
figcaption { font-size: .88rem; margin-top: .4rem; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
summary { cursor: pointer; margin: .6rem 0; } details table { margin-bottom: .8rem; }
"""


def page(title: str, body: str) -> str:
    """A complete HTML document. Its policy forbids scripts and anything from outside."""
    guard = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{guard}">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{html.escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def paragraph(text: str, muted: bool = False) -> str:
    return f"<p{' class=muted' if muted else ''}>{html.escape(text)}</p>"


def bullets(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"


def card(figure: str, text: str) -> str:
    """One large figure and what it means."""
    return f"<div class=card><b>{html.escape(figure)}</b><span>{html.escape(text)}</span></div>"


def table(header: Sequence[str], lines: Iterable[Sequence[str]], strong: Iterable[str] = ()) -> str:
    """Figures to the right of names. Lines whose first cell is in `strong` stand out; so do cells that begin `*`."""
    strong = set(strong)
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "\n".join(
        f"<tr{' class=strong' if line[0] in strong else ''}>{''.join(map(_cell, line))}</tr>" for line in lines
    )
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"


def _cell(text: str) -> str:
    marked = text.startswith("*")
    return f"<td><b>{html.escape(text[1:])}</b></td>" if marked else f"<td>{html.escape(text)}</td>"


def glossary(entries: Mapping[str, str]) -> str:
    """Names and their text, in two columns."""
    lines = (f"<tr><td>{html.escape(name)}</td><td>{html.escape(text)}</td></tr>" for name, text in entries.items())
    return f"<table class=text><tbody>{''.join(lines)}</tbody></table>"


def figure(svg: str, caption: str) -> str:
    described = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(caption)}" ', 1)
    return f"<figure><div class=wide>{described}</div><figcaption>{html.escape(caption)}</figcaption></figure>"


def fold(title: str, content: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def command_line(text: str) -> str:
    return f"<pre><code>{html.escape(text)}</code></pre>"
