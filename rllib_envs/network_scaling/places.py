"""Where one's own results and measured tables are kept."""

from __future__ import annotations

import os
from pathlib import Path


def own_folder() -> Path:
    """`runs/network_scaling` in the working directory, or under `$LOOP_TOOL_ROOT` where that is set."""
    return (Path(os.environ.get("LOOP_TOOL_ROOT", ".")) / "runs" / "network_scaling").absolute()


def results_file(folder: Path) -> Path:
    """The accuracies that searches share."""
    return folder / "results.jsonl"


def latency_folder(folder: Path) -> Path:
    """The tables of latencies that were measured here, or imported."""
    return folder / "latency"
