"""Every contestant against every other one."""

from __future__ import annotations

from collections.abc import Sequence

from eval import wording
from eval.comparison import Comparison
from eval.report import html
from eval.report.cells import interval
from eval.report.html import Cell
from eval.statistics import Record, Summary, duel, records

SHADES = 3
"""Of each colour: from a narrow lead to all benchmarks."""


def policy_table(comparison: Comparison) -> str:
    """The policy against each other one, with the ratio of values; nothing where no policy took part."""
    n = len(comparison.benchmarks)
    duels = [duel(comparison, "policy", other) for other in wording.opponents(comparison)]
    lines: list[html.Line] = [
        [ours.other, interval(ours.ratio, n), *(str(count) for count in (ours.wins, ours.ties, ours.losses))]
        for ours in duels
    ]
    head = ["policy against", "ratio of values", "won", "tied", "lost"]
    return html.table("The policy against each other method", head, lines) if duels else ""


def matrix(comparison: Comparison, summaries: Sequence[Summary]) -> str:
    """Benchmarks won, tied and lost by the method of the line against that of the column."""
    names = [one.method for one in summaries]
    of = records(comparison)
    lines: list[html.Line] = [
        [name, *(_cell(of[name, other]) if name != other else Cell("", look="self") for other in names)]
        for name in names
    ]
    key = (
        "<p class=note>Benchmarks that the method of the line has won, tied and lost against that of the column: "
        '<span class="key h3">mostly won</span> <span class="key l3">mostly lost</span></p>'
    )
    return key + html.table(
        "Wins, ties and losses of all pairs", ["", *names], lines, strong=["policy"], look="broad matrix"
    )


def _cell(record: Record) -> Cell:
    lead = (record.wins - record.losses) / max(1, sum(record))
    shade = round(abs(lead) * SHADES)
    look = f"{'h' if lead > 0 else 'l'}{shade}" if shade else ""
    return Cell("\u2013".join(map(str, record)), f"{lead:.4f}", look)
