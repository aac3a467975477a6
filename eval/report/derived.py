"""Tables that follow from the records, for a spreadsheet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eval.comparison import Comparison
from eval.report.sections.fast import THRESHOLDS
from eval.statistics import fast_p, records, speedups

Table = dict[str, list[Any]]
"""Values by the name of their column."""


def benchmark_columns(comparison: Comparison) -> Table:
    """One line for each benchmark: the value, speedup and seconds of each contestant, medians over seeds."""
    columns: dict[str, list[Any]] = {
        "benchmark": list(comparison.benchmarks),
        "unit": [comparison.unit] * len(comparison.benchmarks),
        "untuned": list(comparison.starts().values()),
    }
    of = speedups(comparison)
    for name in comparison.contestants:
        rows = {benchmark: comparison.of(name, benchmark) for benchmark in comparison.benchmarks}
        columns[name] = [_median([row.value for row in each]) for each in rows.values()]
        columns[f"{name}_speedup"] = list(of[name].values())
        columns[f"{name}_seconds"] = [_median([row.seconds for row in each]) for each in rows.values()]
    return columns


def action_columns(comparison: Comparison) -> Table:
    """One line for each action of the best answer of each method on each benchmark, and what the value was then."""
    lines = [
        (row.benchmark, row.method, row.seed, step, ("untuned", *row.actions)[step], value)
        for row in comparison.rows
        for step, value in enumerate(row.steps)
    ]
    names = ("benchmark", "method", "seed", "step", "action", "value")
    return {name: [line[index] for line in lines] for index, name in enumerate(names)}


def win_columns(comparison: Comparison) -> Table:
    """One line for each pair of contestants."""
    of = records(comparison)
    columns: dict[str, list[Any]] = {"method": [one for one, _ in of], "against": [other for _, other in of]}
    return columns | {name: [getattr(record, name) for record in of.values()] for name in ("wins", "ties", "losses")}


def fast_columns(comparison: Comparison) -> Table:
    """One line for each contestant and each baseline: fast_p for a few p."""
    columns: dict[str, list[Any]] = {"method": [], "over": [], **{f"fast_{p:g}": [] for p in THRESHOLDS}}
    for name in comparison.contestants:
        for baseline in (None, *comparison.baselines):
            reached = fast_p(comparison, name, baseline)
            if name != baseline and len(reached.ratios):
                columns["method"].append(name)
                columns["over"].append(baseline or "untuned")
                for p in THRESHOLDS:
                    columns[f"fast_{p:g}"].append(reached.share_above(p))
    return columns


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else math.nan
