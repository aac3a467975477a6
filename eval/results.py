"""Results in the documentation: a table and a figure for each record, never written by hand.

    python -m eval.results                                    # the same as `make results`
    python -m eval.results keep REPORT NAME "What was compared"
    python -m eval.results ship RUN...                        # trainings and policies, or GA-DQN's knowledge

A record, `docs/results/<name>.jsonl`, holds what a comparison has measured anew, without what only its report shows.
`keep` makes it of the folder that `tunewright compare` has written, or of a contest of kernel tuners. Where a page has
the lines `<!-- results: <name> -->` and `<!-- end -->`, what is between them becomes the table and the figure,
`docs/results/<name>.png`. With `<!-- trainings: <problem> -->` it becomes what is known of the trainings that `ship`
has taken over.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eval import wording
from eval.budget import Budget
from eval.comparison import Comparison
from eval.journal import JOURNAL, read_journal
from eval.journal_lines import SCORES, rows_of
from eval.kernel_tuners.contest import RESULTS
from eval.kernel_tuners.record import ContestRecord, contest_lines, day_of
from eval.report.figures.headline import headline
from eval.report.figures.style import STYLE, WIDE
from eval.report.figures.svg import write_png
from eval.statistics import Interval, Summary, summarise
from eval.trainings import FIGURE, TRAININGS, draw_trainings, ship, trainings_table
from models import shipped
from rllib_envs.errors import UserError, one_line_errors

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "results"
PAGES = ("README.md", "docs/*.md", "models/pretrained/*/README.md")
LEFT_OUT = ("actions", "before", "after", "steps", "how")
"""Of a row: what no table or figure here shows."""
MEANS = """\
Geometric means, with 95 % bootstrap intervals over benchmarks; every answer was verified and measured anew. Best on:
the share of benchmarks on which none was better by more than 1 %."""
BLOCK = re.compile(r"(<!-- (results|trainings): (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


@dataclass(frozen=True)
class Record:
    """What a comparison has measured, and under which conditions."""

    title: str
    when: str
    setting: Mapping[str, str]
    comparison: Comparison

    @classmethod
    def of_lines(cls, head: Mapping[str, Any], lines: Sequence[str]) -> Record:
        """LookupError, ValueError or TypeError for what `lines` did not write."""
        comparison = _comparison(head["setting"], [json.loads(line) for line in lines])
        return cls(head["title"], head["when"], head["setting"], comparison)

    def table(self) -> str:
        """Markdown: each contestant, the best mean first, and under which conditions."""
        comparison, summaries = self.comparison.measurable(), summarise(self.comparison.measurable())
        strongest = next((one.method for one in summaries if one.method in comparison.baselines), None)
        columns = ["method", "over untuned", *([f"over {strongest}"] if strongest else []), "best on", "time"]
        rows = [columns, ["---"] * len(columns), *(_cells(one, strongest) for one in summaries)]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        hardware = self.setting["hardware"].partition(", backend")[0]
        conditions = f"{len(comparison.benchmarks)} benchmarks, {comparison.budget} for each search ({hardware})"
        return "\n".join([f"{self.title}: {conditions}, {self.when}.", "", *lines, "", MEANS, ""])

    def draw(self, path: Path) -> None:
        import matplotlib

        comparison = self.comparison.measurable()
        with matplotlib.rc_context(STYLE):
            write_png(headline(comparison, WIDE, summarise(comparison)), path)


def _cells(of: Summary, strongest: str | None) -> list[str]:
    mark = "**" if of.method == "policy" else ""
    ratios = [_interval(of.ratios[strongest]) if strongest in of.ratios else ""] if strongest else []
    time = wording.seconds(of.seconds) if of.seconds > 0 else ""
    cells = [of.method, _interval(of.speedup), *ratios, f"{of.best_share:.0%}", time]
    return [f"{mark}{cell}{mark}" if cell else "" for cell in cells]


def _interval(of: Interval) -> str:
    return f"{wording.times(of.mean)} ({wording.number(of.low)} to {wording.number(of.high)})"


def _comparison(setting: Mapping[str, str], lines: Sequence[Mapping[str, Any]]) -> Comparison:
    start = lines[0]["start"]
    rows = tuple(row for line in lines for row in rows_of(line))
    return Comparison(
        problem=setting["problem"],
        problem_config={},
        unit=start["unit"],
        higher_is_better=start["higher_is_better"],
        how="",
        budget=_budget(setting["budget"]),
        seeds=tuple(map(int, setting["seeds"].split())),
        methods=tuple(setting["methods"].split()),
        rounds=int(setting["rounds"]),
        baselines=tuple(dict.fromkeys(row.method for row in rows if row.seed is None)),
        rows=rows,
    )


def _budget(text: str) -> Budget:
    """From what `str` makes of one."""
    found = {unit: float(number) for number, unit in re.findall(r"([\d.e+-]+) (s|evaluations)", text)}
    evaluations = found.get("evaluations")
    return Budget(found.get("s"), None if evaluations is None else int(evaluations))


def read_record(path: Path) -> Record | ContestRecord:
    """UserError where there is none, or something else."""
    try:
        first, *lines = path.read_text().splitlines()
        head = json.loads(first)
        return (ContestRecord if "contest" in head else Record).of_lines(head, lines)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path} is no record of results: {type(error).__name__} {error}") from None


def keep(report: Path, name: str, title: str) -> Path:
    """Write the record of a finished comparison or contest. UserError where the folder holds none."""
    source = report / (RESULTS if (report / RESULTS).exists() else JOURNAL)
    lines = contest_lines(source, title) if source.name == RESULTS else _comparison_lines(report, title)
    RECORDS.mkdir(parents=True, exist_ok=True)
    path = RECORDS / f"{name}.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _comparison_lines(report: Path, title: str) -> list[str]:
    setting, lines = read_journal(report)
    scores = [line for line in lines if line.get("kind") == SCORES]
    if not scores:
        raise UserError(f"{report / JOURNAL} has no benchmark that was measured anew; let the comparison end first")
    content: list[Mapping[str, Any]] = [{"title": title, "when": day_of(report / JOURNAL), "setting": setting}]
    for line in scores:
        rows = [{key: value for key, value in row.items() if key not in LEFT_OUT} for row in line["rows"]]
        content.append({"benchmark": line["benchmark"], "start": line["start"], "rows": rows})
    return [json.dumps(each) for each in content]


def pages() -> Iterator[tuple[Path, str, str]]:
    """Each page that has results, its text, and what the text has to be."""
    for path in sorted(path for pattern in PAGES for path in ROOT.glob(pattern)):
        text = path.read_text()
        filled = BLOCK.sub(partial(_filled, path), text)
        if BLOCK.search(text):
            yield path, text, filled


def _filled(page: Path, block: re.Match[str]) -> str:
    begin, kind, name, end = block.groups()
    up = "../" * len(page.relative_to(ROOT).parts[:-1])
    if kind == "trainings":
        figure = f"![Mean return over the minutes of each training]({up}models/pretrained/{name}/{FIGURE})"
        return f"{begin}{trainings_table(name)}\n{figure}\n{end}"
    record = read_record(RECORDS / f"{name}.jsonl")
    return f"{begin}{record.table()}\n![{record.title}]({up}docs/results/{name}.png)\n{end}"


def make_results() -> None:
    for path in sorted(RECORDS.glob("*.jsonl")):
        read_record(path).draw(path.with_suffix(".png"))
    for path in sorted(shipped.PRETRAINED.glob(f"*/{TRAININGS}")):
        draw_trainings(path.parent.name)
    for path, text, filled in pages():
        if filled != text:
            path.write_text(filled)
        print(f"{path.relative_to(ROOT)}: {'as it was' if filled == text else 'written'}")


def main(arguments: Sequence[str]) -> None:
    with one_line_errors():
        match arguments:
            case []:
                make_results()
            case ["keep", report, name, title]:
                print(keep(Path(report), name, title))
            case ["ship", *runs] if runs:
                for run in runs:
                    print(ship(Path(run)))
            case _:
                raise UserError(
                    'write: python -m eval.results; python -m eval.results keep REPORT NAME "TITLE"; or '
                    "python -m eval.results ship RUN..."
                )


if __name__ == "__main__":
    main(sys.argv[1:])
