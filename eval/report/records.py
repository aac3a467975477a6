"""Everything that was measured, as columns: for CSV files, and for Parquet files with types and nothing rounded."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from eval.comparison import Comparison, Curve, Row
from eval.trial import CurvePoint

SPANNING_LINES = ("before", "after")
"""Fields of a row that a CSV file is better off without."""


class Column(NamedTuple):
    """A value for each line, None where there is none."""

    type: Any
    """As Python writes it: `int | None`, `tuple[str, ...]`."""
    values: list[Any]


Columns = Mapping[str, Column]


def row_columns(comparison: Comparison) -> Columns:
    """One line for each method, benchmark and seed, and one for each baseline and benchmark; all fields of a row."""
    rows = comparison.rows
    columns: dict[str, Column] = {}
    for name, kind in get_type_hints(Row).items():
        if name == "ratios":
            for baseline in comparison.baselines:
                columns[f"ratio_to_{baseline}"] = Column(float, [row.ratios.get(baseline) for row in rows])
        else:
            columns[name] = Column(kind, [getattr(row, name) for row in rows])
        if name == "seed":
            columns["split"] = Column(str, [comparison.splits.get(row.benchmark) for row in rows])
            columns["unit"] = Column(str, [comparison.unit] * len(rows))
    return columns


def curve_columns(comparison: Comparison) -> Columns:
    """One line for each improvement of each search: when it came, and the best value from then on."""
    points = [(curve, point) for curve in comparison.curves for point in curve.points]
    kinds = get_type_hints(Curve)
    columns = {
        name: Column(kinds[name], [getattr(curve, name) for curve, _ in points])
        for name in ("benchmark", "method", "seed")
    }
    return columns | {
        name: Column(kind, [getattr(point, name) for _, point in points])
        for name, kind in get_type_hints(CurvePoint).items()
    }


def write_records(columns: Columns, path: Path) -> None:
    """`path` with `.csv` and with `.parquet` behind it."""
    write_csv(
        {name: column.values for name, column in columns.items() if name not in SPANNING_LINES},
        path.with_suffix(".csv"),
    )
    _write_parquet(columns, path.with_suffix(".parquet"))


def write_csv(columns: Mapping[str, list[Any]], path: Path) -> None:
    """Figures with six digits, lists with spaces between their entries."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in line] for line in zip(*columns.values(), strict=True))


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(str(_cell(each)) for each in value)
    return f"{value:.6g}" if isinstance(value, float) else value


def _write_parquet(columns: Columns, path: Path) -> None:
    """Each column has the same type in every file, also where it holds nothing."""
    import pyarrow
    from pyarrow import parquet

    types: Mapping[Any, Callable[[], Any]] = {
        str: pyarrow.string,
        int: pyarrow.int64,
        int | None: pyarrow.int64,
        float: pyarrow.float64,
        tuple[str, ...]: lambda: pyarrow.list_(pyarrow.string()),
        tuple[float, ...]: lambda: pyarrow.list_(pyarrow.float64()),
    }
    schema = pyarrow.schema([(name, types[column.type]()) for name, column in columns.items()])
    content = {name: column.values for name, column in columns.items()}
    parquet.write_table(pyarrow.table(content, schema), path)
