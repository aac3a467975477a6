"""Tables that the commands print."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

WIDTH_OF_A_LOG = 1000
"""Columns. What goes into a file or to another program is never cut."""


def print_table(table: Table) -> None:
    """As wide as the terminal; or, where there is none, as wide as what is in it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_OF_A_LOG)
    console.print(table, highlight=False)
