"""The sections about one set of benchmarks, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eval import wording
from eval.comparison import Comparison
from eval.report import html
from eval.report.draw import Drawn
from eval.report.sections.answers import answers
from eval.report.sections.benchmarks import benchmark_tables, key
from eval.report.sections.fast import fast_table, references
from eval.report.sections.overview import cards, methods_table
from eval.report.sections.rivals import matrix, policy_table
from eval.statistics import Summary

CAPTIONS = {
    "summary": "The geometric mean over benchmarks (mark and figure), its 95 % bootstrap interval (bar), and "
    "each benchmark (dots); further right is better. Beside it: the median time that one search took, with compiling "
    "and inference.",
    "bars": "A panel for each method, the best mean first, and a bar for each benchmark, in the same order in each "
    "panel. Bars begin at 1, the untuned state. Above each panel: the geometric mean.",
    "violin": "Spread over benchmarks and seeds: a stroke is one run, a diamond the interquartile mean.",
    "anytime": "Line: median over benchmarks and seeds of the best value so far, as the searches measured it "
    "themselves; band: the middle half. The mark is where the last of the method's searches had ended; dots continue "
    "its answer. Level lines: baselines, but for those far below untuned.",
    "performance_profile": "Read: on this share of the benchmarks, the method is at most so many times worse than the "
    "best of all methods and baselines. Higher and further left is better.",
    "fast_p": "Read: on this share of the benchmarks, the method's answer is correct and more than p times as good. "
    "Higher and further right is better.",
}


class Section(NamedTuple):
    title: str
    link: str
    """Its short title for the page's list of sections."""
    anchor: str
    content: Sequence[str]


def part_sections(
    comparison: Comparison, summaries: Sequence[Summary], drawn: Drawn, title: str, prefix: str
) -> tuple[str, dict[str, str]]:
    """The HTML, and short titles by anchor. With a `title` the sections are below it, else on the first level."""
    legend = html.legend(drawn.swatches)
    everyone, summaries_of_all = comparison, summaries
    comparison = comparison.measurable()
    summaries = [one for one in summaries if one.method in comparison.contestants]

    def figure(name: str, heading: str, caption: str, with_legend: bool = False) -> str:
        return html.figure(heading, drawn.svgs[name], caption, legend if with_legend else "")

    over_time = {
        "over time": figure("anytime_seconds", "Best value so far over time", CAPTIONS["anytime"], True),
        "over evaluations": figure(
            "anytime_evaluations", "Best value so far over evaluations", CAPTIONS["anytime"], True
        ),
    }
    fast = {
        baseline or "untuned": figure(
            f"fast_p_{baseline or 'untuned'}",
            f"Benchmarks that are more than p times as good as {baseline or 'untuned'} (fast_p)",
            CAPTIONS["fast_p"],
            True,
        )
        + fast_table(summaries, comparison, baseline)
        for baseline in (None, *references(comparison, summaries))
    }
    sections = [
        Section(
            "Summary",
            "Summary",
            "summary",
            [
                figure("summary", "Speedup and tuning time of each method", CAPTIONS["summary"]),
                cards(comparison, summaries),
                html.bullets(wording.exceptions(everyone)),
                methods_table(everyone, summaries_of_all),
            ],
        ),
        Section(
            "Speedup by method",
            "Speedups",
            "speedups",
            [
                figure("bars", "Speedup on each benchmark", CAPTIONS["bars"]),
                figure("violin", "Spread of the speedups", CAPTIONS["violin"]),
            ],
        ),
        Section(
            "How fast the answers come", "Anytime", "anytime", [html.switch(f"{prefix}anytime", "Show", over_time)]
        ),
        Section(
            "How often a method is how good",
            "Profiles",
            "profiles",
            [
                figure("performance_profile", "Performance profile", CAPTIONS["performance_profile"], True),
                html.switch(f"{prefix}fast", "Compared with", fast),
            ],
        ),
        Section("Who beats whom", "Wins", "wins", [policy_table(comparison), matrix(comparison, summaries)]),
        Section(
            "Benchmarks",
            "Benchmarks",
            "benchmarks",
            [_filter(prefix), key(), benchmark_tables(comparison, prefix)],
        ),
        Section(
            "Answers: before and after",
            "Answers",
            "answers",
            [
                html.paragraph(
                    f"Each method's best answer over seeds: its actions with the {comparison.unit} after each of them "
                    "(framed in blue where one gains), and the state before and after.",
                    "note",
                ),
                *answers(comparison),
            ],
        ),
    ]
    level = 3 if title else 2
    text = "\n".join(html.section(each.title, prefix + each.anchor, *each.content, level=level) for each in sections)
    if not title:
        return text, {each.anchor: each.link for each in sections}
    anchor = f"{prefix}part"
    heading = f"{title} ({len(comparison.benchmarks)})"
    return html.section(heading, anchor, text), {anchor: title} | {prefix + each.anchor: each.link for each in sections}


def _filter(prefix: str) -> str:
    where = f"#{prefix}benchmarks tbody tr, #{prefix}answers > details"
    return (
        f'<div class=tools data-filters="{where}" hidden><label>Show benchmarks with <input type=search '
        'placeholder="part of a name"></label><output class=count></output></div>'
    )
