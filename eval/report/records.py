"""Everything that was measured, as columns: for CSV files, and for Parquet files with types and nothing rounded."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.comparison import Comparison

Columns = Mapping[str, list[Any]]
"""Values by the name of their column, None where there is none."""

TEXTS = ("split", "benchmark", "method", "unit", "error", "before", "after")
COUNTS = ("seed", "evaluations")


def row_columns(comparison: Comparison, texts: bool) -> Columns:
    """One line for each method, benchmark and seed, and one for each baseline and benchmark.

    With `texts`, the untuned state and the answer as the problem describes them, over many lines.
    """
    rows = comparison.rows
    columns: dict[str, list[Any]] = {
        name: [getattr(row, name) for row in rows] for name in ("benchmark", "method", "seed")
    }
    columns["split"] = [comparison.splits.get(row.benchmark) for row in rows]
    columns["unit"] = [comparison.unit] * len(rows)
    columns |= {name: [getattr(row, name) for row in rows] for name in ("start", "value", "claimed", "speedup")}
    columns |= {f"ratio_to_{name}": [row.ratios.get(name) for row in rows] for name in comparison.baselines}
    columns |= {name: [getattr(row, name) for row in rows] for name in ("spread", "seconds", "evaluations")}
    columns |= {name: [list(getattr(row, name)) for row in rows] for name in ("actions", "steps")}
    words = ("error", "how", "before", "after") if texts else ("error", "how")
    return columns | {name: [getattr(row, name) for row in rows] for name in words}


def curve_columns(comparison: Comparison) -> Columns:
    """One line for each improvement of each search: when it came, and the best value from then on."""
    points = [(curve, point) for curve in comparison.curves for point in curve.points]
    columns = {name: [getattr(curve, name) for curve, _ in points] for name in ("benchmark", "method", "seed")}
    return columns | {
        name: [getattr(point, name) for _, point in points] for name in ("seconds", "evaluations", "value")
    }


def write_csv(columns: Columns, path: Path) -> None:
    """Figures with six digits, lists with spaces between their entries."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in line] for line in zip(*columns.values(), strict=True))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(str(_cell(each)) for each in value)
    return f"{value:.6g}" if isinstance(value, float) else value


def write_parquet(columns: Columns, path: Path) -> None:
    """Each column with the same type in every file, also where it holds nothing."""
    import pyarrow
    from pyarrow import parquet

    types = {name: pyarrow.string() for name in TEXTS} | {name: pyarrow.int64() for name in COUNTS}
    types |= {"actions": pyarrow.list_(pyarrow.string()), "steps": pyarrow.list_(pyarrow.float64())}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.float64())) for name in columns])
    parquet.write_table(pyarrow.table(dict(columns), schema), path)
