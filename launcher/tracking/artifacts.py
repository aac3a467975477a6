"""What of a run becomes an artifact, and what of its report a dashboard shows. The same run gives the same content."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from launcher.tracking.settings import load_wandb
from models.store.manifest import read_summary
from models.store.run_directory import METRICS, RECORD, RunDirectory

CHECKPOINT, SUITE, REPORT = "checkpoint", "suite", "report"
"""Types of artifacts."""
REPORT_PAGE = "report.html"


def suite_artifact(record: Mapping[str, Any], folder: Path) -> Any:
    """Which benchmarks were trained on. `folder` is for drafts, here and below."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(record["config"]["dataset"]).name)
    artifact = load_wandb().Artifact(f"{SUITE}-{name}", SUITE, metadata={"hash": record["suite_hash"]})
    _add_text(artifact, "suite.json", [json.dumps({"name": name, "hash": record["suite_hash"]})], folder)
    return artifact


def checkpoint_artifact(run_id: str, checkpoint: Path, run: RunDirectory, folder: Path) -> Any:
    """Its files, and the run's record and metrics up to it. None when a newer checkpoint has taken its place."""
    iteration = int(checkpoint.name.partition("-")[0])
    try:
        metadata = {"iteration": iteration, **read_summary(checkpoint)}
        artifact = load_wandb().Artifact(f"{CHECKPOINT}-{run_id}", CHECKPOINT, metadata=metadata)
        for path in (*sorted(checkpoint.iterdir()), run.path / RECORD):
            # A copy that is removed when it has arrived. The client would keep another one of each in its cache.
            artifact.add_file(str(path), name=path.name, skip_cache=True)
    except (FileNotFoundError, ValueError):
        return None
    rows = (json.dumps(row) + "\n" for row in run.metrics() if row["iteration"] <= iteration)
    _add_text(artifact, METRICS, rows, folder)
    return artifact


def report_artifact(run_id: str, report: Path) -> Any:
    """All files of the comparison's report."""
    artifact = load_wandb().Artifact(f"{REPORT}-{run_id}", REPORT)
    artifact.add_dir(str(report), skip_cache=True)
    return artifact


def media(report: Path) -> dict[str, Any]:
    """The report's page, figures and tables by their names, as a run's page shows them."""
    wandb = load_wandb()
    shown: dict[str, Any] = {"report": wandb.Html((report / REPORT_PAGE).read_text(), inject=False)}
    shown |= {picture.stem: wandb.Image(str(picture)) for picture in sorted(report.glob("*.png"))}
    shown |= {table.stem: _table(table) for table in sorted(report.glob("*.csv"))}
    return shown


def _add_text(artifact: Any, name: str, lines: Iterable[str], folder: Path) -> None:
    draft = folder / name
    with draft.open("w") as file:
        file.writelines(lines)
    artifact.add_file(str(draft), name=name, skip_cache=True)
    draft.unlink()


def _table(path: Path) -> Any:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return load_wandb().Table(columns=header, data=[[_value(cell) for cell in row] for row in rows])


def _value(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
