"""Write a comparison down: its records, its figures as pictures, and one page that holds everything."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval import wording
from eval.comparison import Comparison
from eval.environment import describe_environment
from eval.report import html
from eval.report.derived import action_columns, benchmark_columns, fast_columns, win_columns
from eval.report.draw import draw
from eval.report.part import part_sections
from eval.report.records import curve_columns, row_columns, write_csv, write_records
from eval.report.sections.graphs import graph_frames
from eval.report.sections.protocol import protocol
from eval.statistics import Summary, summarise
from models.store.atomic import write_json
from rllib_envs.errors import MissingPackage

PARTS = {"": "", "test": "Held-out benchmarks", "train": "Benchmarks of the training"}
"""Titles of splits. Other splits go by their name."""


def require_packages() -> None:
    """Raise MissingPackage where no report could be written. Called before the work that a report is about."""
    missing = [name for name in ("matplotlib", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackage(f"a report needs {' and '.join(missing)}; install them: pip install 'tunewright[eval]'")


def write_report(
    comparison: Comparison,
    folder: Path,
    *,
    command: str = "",
    details: Mapping[str, str] | None = None,
    graphs: Mapping[str, str] | None = None,
) -> Path:
    """Write everything into `folder`, `report.html` last, and return its path.

    A comparison with splits has figures, tables and a summary for each; those of the first one, which is what was held
    out, have plain names, and those of others the split's name before theirs.

    Args:
        command: what a reader types to repeat it.
        details: further entries of the environment block, such as the hash of the suite.
        graphs: SVG texts by name, such as those of searches, to be shown in frames that zoom while there is room.

    Raises MissingPackage without matplotlib or pyarrow.
    """
    require_packages()
    folder.mkdir(parents=True, exist_ok=True)
    write_records(row_columns(comparison), folder / "comparison")
    write_records(curve_columns(comparison), folder / "curves")
    body: list[str] = []
    links: dict[str, str] = {}
    for index, (split, part) in enumerate(comparison.parts().items()):
        prefix = f"{split}_" if index else ""
        summaries = summarise(part)
        _write_tables(part, summaries, folder, prefix)
        drawn = draw(part.measurable(), summaries, folder, prefix)
        text, inside = part_sections(part, summaries, drawn, PARTS.get(split, split), prefix)
        body.append(text)
        links |= inside
    path = folder / "report.html"
    environment = describe_environment() | dict(details or {})
    path.write_text(_page(comparison, body, links, command, environment, graphs or {}), encoding="utf-8")
    return path


def _page(
    comparison: Comparison,
    body: Sequence[str],
    links: Mapping[str, str],
    command: str,
    environment: Mapping[str, str],
    graphs: Mapping[str, str],
) -> str:
    title = f"Comparison on {comparison.suite or comparison.problem}"
    ends = {
        "graphs": ("Search graphs", "Graphs", [graph_frames(graphs)]) if graphs else None,
        "method": ("How it was measured", "Method", [html.bullets(protocol(comparison))]),
        "repeat": ("Repeat it", "Repeat", [html.code(command, wrapped=True)]) if command else None,
        "environment": ("Environment", "Environment", [html.glossary(environment)]),
    }
    shown = {anchor: section for anchor, section in ends.items() if section}
    links = {**links, **{anchor: link for anchor, (_, link, _) in shown.items()}}
    head = html.header(title, f"{wording.setting(comparison)}.", links)
    last = [html.section(heading, anchor, *content) for anchor, (heading, _, content) in shown.items()]
    return html.page(title, "\n".join([head, "<main>", *body, *last, "</main>"]))


def _write_tables(part: Comparison, summaries: Sequence[Summary], folder: Path, prefix: str) -> None:
    write_csv(benchmark_columns(part), folder / f"{prefix}benchmarks.csv")
    write_csv(action_columns(part), folder / f"{prefix}actions.csv")
    write_csv(win_columns(part), folder / f"{prefix}wins.csv")
    write_csv(fast_columns(part), folder / f"{prefix}fast_p.csv")
    write_json(folder / f"{prefix}summary.json", _summary(summaries))


def _summary(summaries: Sequence[Summary]) -> dict[str, dict[str, float | None]]:
    """By method: means of the speedup with their intervals, None where there is none, and what was spent."""
    return {
        one.method: {
            name: value if math.isfinite(value) else None
            for name, value in (
                *zip(("speedup", "low", "high", "benchmarks"), one.speedup, strict=True),
                *zip(("iqm", "iqm_low", "iqm_high"), one.iqm[:3], strict=True),
                ("best_share", one.best_share),
                ("seconds", one.seconds),
                ("total_seconds", one.total_seconds),
                ("evaluations", one.evaluations),
            )
        }
        for one in summaries
    }
