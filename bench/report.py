"""How every benchmark here reports: a table for people and, as its last line, one JSON object for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """A measured figure and what it should be."""

    value: float
    goal: float
    unit: str
    at_least: bool = True
    """False where lower is better."""

    @property
    def met(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def report(bench: str, bars: dict[str, Bar]) -> None:
    table = Table(title=bench, title_justify="left")
    for column in ("bar", "value", "goal", "unit", "met"):
        table.add_column(column, justify="left" if column in ("bar", "unit") else "right")
    for name, bar in bars.items():
        sign = "≥" if bar.at_least else "≤"
        table.add_row(name, f"{bar.value:,.4g}", f"{sign} {bar.goal:,g}", bar.unit, "yes" if bar.met else "no")
    Console().print(table)
    content = {
        name: {"value": bar.value, "goal": bar.goal, "unit": bar.unit, "met": bar.met} for name, bar in bars.items()
    }
    print(json.dumps({"bench": bench, "bars": content}))
