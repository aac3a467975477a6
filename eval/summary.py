"""The comparison in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eval import wording
from eval.comparison import Comparison
from eval.statistics import Summary, duel, summarise


def print_summary(comparison: Comparison, console: Console | None = None) -> None:
    """Print the main table, how the policy did against each other method, and what limits the figures."""
    console = console or Console()
    summaries = summarise(comparison)
    # More than one column of ratios has no room in 80 characters; the report has all of them.
    strongest = next((one.method for one in summaries if one.method in comparison.measurable().baselines), None)
    console.print(wording.setting(comparison), style="bold", highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    ratio = [f"over {strongest}"] if strongest else []
    for index, column in enumerate(["method", "over untuned", *ratio, "best on", "time", "evals"]):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for summary in summaries:
        baseline = summary.method in comparison.baselines
        style = "bold" if summary.method == "policy" else "dim" if baseline else None
        table.add_row(*_cells(summary, strongest), style=style)
    console.print(table)
    for other in wording.opponents(comparison):
        ours = duel(comparison, "policy", other)
        console.print(f"policy over {other}: {wording.interval(ours.ratio)}, {wording.score(ours)}", highlight=False)
    console.print(wording.MEANS, style="dim", highlight=False)
    for note in wording.exceptions(comparison):
        console.print(note, style="yellow", highlight=False, markup=False)


def _cells(of: Summary, strongest: str | None) -> list[str]:
    ratios = (
        [wording.interval(of.ratios[strongest]) if strongest in of.ratios else wording.MISSING] if strongest else []
    )
    evaluations = f"{of.evaluations:.0f}" if of.evaluations else wording.MISSING
    return [of.method, wording.interval(of.speedup), *ratios, f"{of.best_share:.0%}", wording.seconds(of.seconds),
            evaluations]  # fmt: skip
