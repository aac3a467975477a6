"""The figures to remember, and the table of methods."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval import wording
from eval.comparison import Comparison
from eval.report import html
from eval.report.cells import interval, quantity, share
from eval.statistics import Interval, Summary, duel

MOST_CARDS = 2
"""Baselines that have a card of their own; the table has all."""


def cards(comparison: Comparison, summaries: Sequence[Summary]) -> str:
    """The few figures to remember, the policy's where one took part and otherwise the best method's."""
    ours = [one for one in summaries if one.method in comparison.methods]
    shown = next((one for one in ours if one.method == "policy"), ours[0])
    baselines = comparison.measurable().baselines
    strongest = [one.method for one in summaries if one.method in baselines][:MOST_CARDS]
    found = [_card(f"{shown.method} over untuned", shown.speedup)]
    found += [_card(f"{shown.method} over {name}", shown.ratios[name]) for name in strongest]
    for name in comparison.policy_multiples:
        against = duel(comparison, "policy", name)
        found.append(_card(f"policy over {name}, {wording.score(against)}", against.ratio))
    found.append(html.card(wording.seconds(shown.seconds), f"median tuning time of {shown.method}, one benchmark"))
    return f"<div class=cards>{''.join(found)}</div>"


def _card(text: str, ratio: Interval) -> str:
    known = math.isfinite(ratio.low)
    range_text = f"; 95 % interval {wording.number(ratio.low)} to {wording.number(ratio.high)}" if known else ""
    return html.card(wording.times(ratio.mean), text + range_text)


def methods_table(comparison: Comparison, summaries: Sequence[Summary]) -> str:
    """Every contestant, the best first, and last those without any value."""
    head = ["method", "over untuned", "interquartile mean"]
    baselines = comparison.measurable().baselines
    head += [f"over {name}" for name in baselines]
    head += ["best on", "time", "total time", "evals"]
    n = len(comparison.benchmarks)
    lines: list[html.Line] = [
        [
            one.method,
            interval(one.speedup, n),
            interval(one.iqm, n),
            *(interval(one.ratios.get(name), n) for name in baselines),
            share(one.best_share),
            quantity(one.seconds, wording.seconds),
            quantity(one.total_seconds, wording.seconds),
            quantity(one.evaluations, lambda count: f"{count:,.0f}"),
        ]
        for one in summaries
    ]
    note = (
        "Over untuned and over a baseline: geometric mean of the ratios, with its interval over benchmarks. "
        "Interquartile mean: of the ratio to untuned, without the lowest and highest quarter of all runs, with its "
        "interval over seeds (from three seeds on). Best on: benchmarks on which nobody was better by more than a tie. "
        "Time: one search, compiling and inference included, median. Total time: all benchmarks once. Where some "
        "benchmarks have no value, the figure says on how many it rests."
    )
    return html.table("Methods", head, lines, strong=["policy"], look="broad") + html.paragraph(note, "note")
