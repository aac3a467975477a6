"""The numbers of an iteration by the names under which dashboards show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LEARNING, LOSS, THROUGHPUT, TRAINER, WORKERS = "learning", "loss", "throughput", "trainer", "workers"
"""Sections. TensorBoard sorts them by the alphabet and opens the first two, so what matters most comes first."""
SECTION_OF = {
    "return_mean": LEARNING,
    "greedy_return": LEARNING,
    "speedup_mean": LEARNING,
    "best_speedup": LEARNING,
    "runner_restarts": WORKERS,
    "env_restarts": WORKERS,
}
"""By the name in a row of `metrics.jsonl`; every other number is of the throughput."""
TABLES = {"losses": LOSS, "figures": TRAINER}
"""Tables within a row, and the sections that they become."""


def figures(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row of `metrics.jsonl`, such as "learning/return_mean" or "loss/total_loss"."""
    numbers = {name: value for name, value in row.items() if _is_number(value) and name != "iteration"}
    found = {f"{SECTION_OF.get(name, THROUGHPUT)}/{name}": value for name, value in numbers.items()}
    for table, section in TABLES.items():
        found |= {f"{section}/{name}": value for name, value in row.get(table, {}).items() if _is_number(value)}
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
