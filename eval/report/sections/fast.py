"""Shares of benchmarks on which a method beats a baseline by so much."""

from __future__ import annotations

from collections.abc import Sequence

from eval.comparison import Comparison
from eval.report import html
from eval.report.cells import share
from eval.statistics import Summary, fast_p

THRESHOLDS = (1.0, 1.2, 1.5, 2.0, 3.0)
"""p of fast_p."""
MOST_REFERENCES = 3
"""Baselines that have a figure and a table of their own, the strongest first; the CSV has all."""


def references(comparison: Comparison, summaries: Sequence[Summary]) -> list[str]:
    """The baselines that shares are shown over."""
    return [one.method for one in summaries if one.method in comparison.baselines][:MOST_REFERENCES]


def fast_table(summaries: Sequence[Summary], comparison: Comparison, baseline: str | None) -> str:
    """fast_p of every other contestant for a few p."""
    lines: list[html.Line] = []
    for one in summaries:
        reached = fast_p(comparison, one.method, baseline)
        if one.method != baseline and len(reached.ratios):
            lines.append([one.method, *(share(reached.share_above(p)) for p in THRESHOLDS)])
    over = baseline or "untuned"
    head = [f"over {over}", *(f"more than {p:g}x" for p in THRESHOLDS)]
    return html.table(f"Share of benchmarks by speedup over {over}", head, lines, strong=["policy"])
