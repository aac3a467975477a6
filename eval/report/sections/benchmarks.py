"""Every benchmark: the values, speedups and times of all contestants, in tables that sort and filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from eval import wording
from eval.comparison import Comparison, Row
from eval.report import html
from eval.report.cells import quantity
from eval.statistics import TIE

SHADES = {"h4": 1 - TIE, "h3": 0.95, "h2": 0.85, "h1": 0.7}
"""How close to the best of its benchmark a value is, at least, to be shaded so."""


def benchmark_tables(comparison: Comparison, prefix: str) -> str:
    """One table for values, one for speedups, one for tuning times, of which the reader chooses."""
    medians = {
        (name, contestant): rows
        for contestant in comparison.contestants
        for name, rows in _by_benchmark(comparison.of(contestant)).items()
    }

    def table(
        caption: str, of: Callable[[Row], float], text: Callable[[float], str], shaded: bool, untuned: bool
    ) -> str:
        lines: list[html.Line] = []
        for name, start in comparison.starts().items():
            figures = {
                contestant: float(np.median([of(row) for row in medians[name, contestant]]))
                for contestant in comparison.contestants
                if (name, contestant) in medians
            }
            looks = _looks(figures, comparison.higher_is_better or of is _speedup) if shaded else {}
            cells = [quantity(figures.get(one, math.nan), text, looks.get(one, "")) for one in comparison.contestants]
            lines.append([name, *([quantity(start, text)] if untuned else []), *cells])
        head = ["benchmark", *(["untuned"] if untuned else []), *comparison.contestants]
        return html.table(caption, head, lines, look="broad")

    value_text = lambda value: wording.number(value, 4)  # noqa: E731
    return html.switch(
        f"{prefix}benchmark-figures",
        "Show",
        {
            comparison.unit: table(f"Benchmarks: {comparison.unit}", lambda row: row.value, value_text, True, True),
            "speedup": table("Benchmarks: speedup", _speedup, wording.times, True, False),
            "tuning time": table("Benchmarks: tuning time", lambda row: row.seconds, wording.seconds, False, False),
        },
    )


def key() -> str:
    """What the shades mean."""
    shades = " ".join(
        f'<span class="key {look}">{"best" if look == "h4" else f"{closeness:.0%}"}</span>'
        for look, closeness in reversed(SHADES.items())
    )
    return (
        "<p class=note>Medians over seeds, measured anew. Shaded by closeness to the best of the benchmark, at least: "
        f"{shades} (within {TIE:.0%}).</p>"
    )


def _speedup(row: Row) -> float:
    return row.speedup


def _by_benchmark(rows: list[Row]) -> Mapping[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.benchmark, []).append(row)
    return grouped


def _looks(figures: Mapping[str, float], higher_is_better: bool) -> dict[str, str]:
    known = {name: figure for name, figure in figures.items() if 0 < figure < math.inf}
    if not known:
        return {}
    best = (max if higher_is_better else min)(known.values())
    closeness = {name: figure / best if higher_is_better else best / figure for name, figure in known.items()}
    return {
        name: next((look for look, least in SHADES.items() if close >= least), "") for name, close in closeness.items()
    }
