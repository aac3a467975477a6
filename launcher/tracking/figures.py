"""The numbers of an iteration by the names under which dashboards show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SECTIONS = {"losses": "loss", "figures": "trainer"}
"""Tables within a row of `metrics.jsonl`, and the section of a dashboard that they become."""
PROGRESS = "progress"
"""The section of everything else."""


def figures(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row of `metrics.jsonl`, such as "progress/return_mean" or "loss/total_loss"."""
    found = {f"{PROGRESS}/{name}": value for name, value in row.items() if _is_number(value) and name != "iteration"}
    for table, section in SECTIONS.items():
        found |= {f"{section}/{name}": value for name, value in row.get(table, {}).items() if _is_number(value)}
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
