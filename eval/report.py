"""Write a comparison down: two CSV files, a summary, four pictures, and one page that holds everything."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from eval import page, wording
from eval.comparison import Comparison
from eval.environment import describe_environment
from eval.figure_style import STYLE, to_svg, write_png
from eval.figures import draw_figures
from eval.statistics import CONFIDENCE, RESAMPLES, TIE, Interval, duel, summarise
from eval.tables import write_curves, write_rows
from models.store.atomic import write_json
from rllib_envs.errors import MissingPackage

CAPTIONS = {
    "speedup_bars": "Bar: geometric mean over benchmarks. Whisker: its 95 % bootstrap interval. Dot: one benchmark.",
    "speedup_profile": "Read: the share of benchmarks on which a method reaches this speedup or more. Further right "
    "is better. A baseline is dashed.",
    "anytime": "Line: median over benchmarks and seeds; band: their middle half. The mark is where the last of the "
    "method's searches had ended; dots continue its answer. Values are those that the searches measured themselves.",
    "per_benchmark": "Grey bar: untuned. Marks: the median over seeds of each method's answer. Stroke: a baseline.",
}


def require_matplotlib() -> None:
    """Raise MissingPackage where no report could be written. Called before the work that a report is about."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPackage("a report draws with matplotlib; install it: pip install 'tunewright[eval]'")


def write_report(
    comparison: Comparison, folder: Path, *, command: str = "", details: Mapping[str, str] | None = None
) -> Path:
    """Write `comparison.csv`, `curves.csv`, `summary.json`, a PNG of each figure and, last, `report.html`; its path.

    `command` is what a reader types to repeat it, and `details` are further entries of the environment block, such
    as the processor's measured peak or the hash of the suite. Raises MissingPackage without matplotlib.
    """
    require_matplotlib()
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    write_rows(comparison, folder / "comparison.csv")
    write_curves(comparison, folder / "curves.csv")
    write_json(folder / "summary.json", _summary(comparison))
    drawn = {}
    with matplotlib.rc_context(STYLE):
        for name, figure in draw_figures(comparison).items():
            write_png(figure, folder / f"{name}.png")
            drawn[name] = to_svg(figure)
    path = folder / "report.html"
    path.write_text(_page(comparison, drawn, command, describe_environment() | dict(details or {})), encoding="utf-8")
    return path


def _summary(comparison: Comparison) -> dict[str, dict[str, float | None]]:
    """By method: geometric mean of the speed-up and its interval, None where there is none, and how many benchmarks."""
    return {
        one.method: {
            name: value if math.isfinite(value) else None
            for name, value in zip(("speedup", "low", "high", "benchmarks"), one.speedup, strict=True)
        }
        for one in summarise(comparison)
    }


def _page(comparison: Comparison, drawn: Mapping[str, str], command: str, environment: Mapping[str, str]) -> str:
    title = f"Comparison on {comparison.problem}"
    head = ["<header>", f"<h1>{title}</h1>", page.paragraph(f"{wording.setting(comparison)}.", muted=True), "</header>"]
    parts = [
        *head,
        _cards(comparison),
        page.section("Methods", _methods_table(comparison), page.bullets(wording.exceptions(comparison))),
        _duels(comparison),
        page.section("Figures", *(page.figure(drawn[name], CAPTIONS[name]) for name in drawn)),
        page.section("Benchmarks", _benchmarks_table(comparison), _answers(comparison)),
        page.section("How it was measured", page.bullets(_protocol(comparison))),
        page.section("Repeat it", page.command_line(command)) if command else "",
        page.section("Environment", page.glossary(environment)),
    ]
    return page.page(title, "\n".join(parts))


def _cards(comparison: Comparison) -> str:
    """The few figures to remember, the policy's where one took part and otherwise the best method's."""
    summaries = summarise(comparison)
    shown = next((one for one in summaries if one.method == "policy"), summaries[0])
    cards = [_card(f"{shown.method} over untuned", shown.speedup)]
    cards += [_card(f"{shown.method} over {name}", ratio) for name, ratio in shown.ratios.items()]
    for name in comparison.policy_multiples:
        ours = duel(comparison, "policy", name)
        cards.append(_card(f"policy over {name}, {wording.score(ours)}", ours.ratio))
    cards.append(page.card(wording.seconds(shown.seconds), f"median time of {shown.method} for one benchmark"))
    return f"<div class=cards>{''.join(cards)}</div>"


def _card(text: str, ratio: Interval) -> str:
    known = math.isfinite(ratio.low)
    interval = f"; 95 % interval {wording.number(ratio.low)} to {wording.number(ratio.high)}" if known else ""
    return page.card(wording.times(ratio.mean), text + interval)


def _methods_table(comparison: Comparison) -> str:
    lines = [wording.summary_cells(comparison, summary) for summary in summarise(comparison)]
    return page.table(wording.summary_header(comparison), lines, strong=["policy"])


def _duels(comparison: Comparison) -> str:
    duels = [duel(comparison, "policy", other) for other in wording.opponents(comparison)]
    if not duels:
        return ""
    counts = [[str(count) for count in (ours.wins, ours.ties, ours.losses)] for ours in duels]
    lines = [[ours.other, wording.interval(ours.ratio), *count] for ours, count in zip(duels, counts, strict=True)]
    table = page.table(["policy over", "ratio of values", "won", "tied", "lost"], lines)
    return page.section("The policy against each other method", table)


def _benchmarks_table(comparison: Comparison) -> str:
    lines = []
    for name, start in comparison.starts().items():
        values = {
            contestant: float(np.median([row.value for row in comparison.of(contestant, name)] or [np.nan]))
            for contestant in comparison.contestants
        }
        known = [value for value in values.values() if np.isfinite(value)]
        best = (max if comparison.higher_is_better else min)(known, default=np.nan)
        cells = [
            f"{'*' * (abs(value - best) <= TIE * abs(best))}{wording.number(value, 4)}" for value in values.values()
        ]
        lines.append([name, wording.number(start, 4), *cells])
    note = (
        f"{comparison.unit}, median over seeds, measured anew. In colour: the best, and what is within {TIE:.0%} of it."
    )
    table = page.table(["benchmark", "untuned", *comparison.contestants], lines)
    return page.paragraph(note, muted=True) + table


def _answers(comparison: Comparison) -> str:
    """The actions of each method's best answer, folded away by benchmark."""
    folds = []
    for name in comparison.benchmarks:
        answers = {}
        for method in comparison.methods:
            best = max(comparison.of(method, name), key=lambda row: row.speedup)
            how = " ".join(best.actions) or "left untuned"
            answers[method] = f"{wording.number(best.value)} {comparison.unit}: {how}"
        folds.append(page.fold(name, page.glossary(answers)))
    return page.fold("The actions of every answer", "".join(folds))


def _protocol(comparison: Comparison) -> list[str]:
    spreads = [row.spread for row in comparison.rows if math.isfinite(row.spread)]
    spread = f"{np.median(spreads):.1%}" if spreads else "unknown"
    seeds = ", ".join(map(str, comparison.seeds))
    return [
        f"Each search had {comparison.budget} on each benchmark for all that it does: measuring, compiling, inference "
        "and its own bookkeeping. An evaluation that was begun in time counts.",
        "Each search began with an empty cache and evaluated the untuned state on its own time. Starting processes "
        "and a first call of the policy came before, and were charged to nobody.",
        f"Methods took turns on each benchmark, in an order shuffled by seed. Seeds: {seeds}.",
        f"Each answer, the untuned state and the baselines were then measured anew in {comparison.rounds} rounds in "
        "random order, and the middle value is reported, so a lucky measurement decides nothing. "
        f"Between the rounds, values differed by {spread} (median).",
        "The same solution found twice is measured as one. An answer that fails when measured anew counts as untuned.",
        *wording.baselines(comparison),
        f"Value: {comparison.unit}, {comparison.how or 'as the problem defines it'}.",
        f"Intervals: {CONFIDENCE:.0%} percentile bootstrap over benchmarks with {RESAMPLES:,} draws; seeds are "
        "averaged first. They say nothing of other benchmarks than such as these.",
        f"Values within {TIE:.0%} of each other count as tied.",
        f"Problem configuration: {json.dumps(dict(comparison.problem_config), sort_keys=True)}",
    ]
