"""The comparison in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval import wording
from eval.comparison import Comparison
from eval.statistics import duel, summarise


def print_summary(comparison: Comparison, console: Console | None = None) -> None:
    """Print the main table, how the policy did against each other method, and what limits the figures."""
    console = console or Console()
    console.print(wording.setting(comparison), style="bold", highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    for index, column in enumerate(wording.summary_header(comparison)):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for summary in summarise(comparison):
        baseline = summary.method in comparison.baselines
        style = "bold" if summary.method == "policy" else "dim" if baseline else None
        table.add_row(*wording.summary_cells(comparison, summary), style=style)
    console.print(table)
    for other in wording.opponents(comparison):
        ours = duel(comparison, "policy", other)
        console.print(f"policy over {other}: {wording.interval(ours.ratio)}, {wording.score(ours)}", highlight=False)
    console.print(wording.MEANS, style="dim", highlight=False)
    for note in wording.exceptions(comparison):
        console.print(note, style="yellow", highlight=False)
