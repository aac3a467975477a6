"""What a sweep has found: a table for people, and the same as CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.store.atomic import write_json


@dataclass(frozen=True)
class Entry:
    """One training of a sweep."""

    settings: Mapping[str, float]
    """The drawn ones."""
    score: float | None = None
    """Higher is better; None when the training failed."""
    scored_by: str = ""
    """ "held-out speed-up" (geometric mean over the untuned state), or "mean return" of the last episodes."""
    run: str = ""
    """The name of its run directory within the sweep's."""
    error: str = ""
    """Why it failed."""


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """Best first; those that failed come last."""
    return sorted(entries, key=lambda entry: (entry.score is None, -(entry.score or 0.0)))


def finish_sweep(folder: Path, entries: Sequence[Entry]) -> None:
    """Write `sweep.csv` and `sweep.json`, print the table, and say what failed and where the best policy is."""
    order = ranked(entries)
    names = sorted({name for entry in order for name in entry.settings})
    with (folder / "sweep.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rank", "score", "scored_by", "run", *names, "error"])
        for rank, entry in enumerate(order, 1):
            settings = [entry.settings.get(name) for name in names]
            writer.writerow([rank, entry.score, entry.scored_by, entry.run, *settings, entry.error])
    write_json(folder / "sweep.json", {"schema_version": 1, "trainings": [vars(entry) for entry in order]})
    table = Table()
    for column in (next((entry.scored_by for entry in order if entry.scored_by), "score"), *names, "run"):
        table.add_column(column, justify="left" if column == "run" else "right", overflow="fold")
    for entry in order:
        score = "failed" if entry.score is None else f"{entry.score:.4g}"
        table.add_row(score, *(f"{entry.settings[name]:.3g}" for name in names), entry.run)
    Console().print(table)
    for error in {entry.error for entry in order if entry.error}:
        print(f"failed: {error}")
    if order[0].score is not None:
        print(f"best policy: {folder / order[0].run / 'policy'}")
