"""The comparison as CSV files, for other people's tools."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.comparison import Comparison


def write_rows(comparison: Comparison, path: Path) -> None:
    """One line for each method, benchmark and seed, and one for each baseline and benchmark."""
    ratio_columns = [f"ratio_to_{name}" for name in comparison.baselines]
    header = ["benchmark", "method", "seed", "unit", "start", "value", "claimed", "speedup", *ratio_columns]
    header += ["spread", "seconds", "evaluations", "actions", "error", "how"]

    def lines() -> Iterable[Sequence[object]]:
        for row in comparison.rows:
            ratios = [_figure(row.ratios.get(name)) for name in comparison.baselines]
            values = [_figure(value) for value in (row.start, row.value, row.claimed, row.speedup)]
            spent = [_figure(row.spread), _figure(row.seconds), row.evaluations, " ".join(row.actions)]
            seed = "" if row.seed is None else row.seed
            yield [row.benchmark, row.method, seed, comparison.unit, *values, *ratios, *spent, row.error, row.how]

    _write(path, header, lines())


def write_curves(comparison: Comparison, path: Path) -> None:
    """One line for each improvement of each search: when it came, and the best value from then on."""
    header = ["benchmark", "method", "seed", "seconds", "evaluations", "value"]
    lines = (
        [*curve[:3], f"{point.seconds:.6f}", point.evaluations, _figure(point.value)]
        for curve in comparison.curves
        for point in curve.points
    )
    _write(path, header, lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(lines)
