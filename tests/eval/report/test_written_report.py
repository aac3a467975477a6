"""The report holds what was measured, in files for other tools and in one page that needs nothing else."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import json
import math
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pyarrow import parquet

from eval.budget import Budget
from eval.compare import compare
from eval.comparison import Row
from eval.report import write_report
from eval.report.draw import file_names
from eval.report.sections.answers import answers
from eval.report.sections.benchmarks import benchmark_tables
from eval.report.sections.graphs import MOST_BYTES, graph_frames
from eval.statistics import records, summarise
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.toy import Dials, Toy
from tests.eval.report.conftest import COMMAND, GRAPH
from tests.eval.report.toy_comparison import toy_comparison

PICTURES = {"summary", "bars", "violin", "anytime_seconds", "anytime_evaluations", "performance_profile",
            "fast_p_untuned", "fast_p_halfway", "fast_p_first_dial"}  # fmt: skip
TABLES = {"comparison", "curves", "benchmarks", "actions", "wins", "fast_p"}


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(one: object, other: object) -> bool:
    return one == other or (one != one and other != other)


def test_every_file_is_there(written):
    assert written.page.name == "report.html"
    folder = written.page.parent
    pictures = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
    assert set(pictures) == PICTURES
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert {path.stem for path in folder.glob("*.csv")} == TABLES
    assert {path.stem for path in (folder / "actions").iterdir()} == set(written.comparison.benchmarks)


def test_records_are_complete_in_csv_and_exact_in_parquet(written):
    comparison, folder = written.comparison, written.page.parent
    lines = lines_of(folder / "comparison.csv")
    exact = parquet.read_table(folder / "comparison.parquet").to_pylist()
    assert len(lines) == len(exact) == len(comparison.rows)
    for line, record, row in zip(lines, exact, comparison.rows, strict=True):
        assert float(line["value"]) == pytest.approx(row.value, rel=1e-5, nan_ok=True)
        assert line["actions"].split() == list(row.actions)
        assert (line["seed"] or None) == (None if row.seed is None else str(row.seed))
        for name in {field.name for field in dataclasses.fields(Row)} - {"ratios"}:
            value = getattr(row, name)
            assert same(record[name], list(value) if isinstance(value, tuple) else value), name
        for baseline in comparison.baselines:
            assert same(record[f"ratio_to_{baseline}"], row.ratios.get(baseline))
    assert sum(1 for _ in lines_of(folder / "curves.csv")) == sum(len(curve.points) for curve in comparison.curves)


def test_the_way_to_the_best_answer_of_each_method_is_told_step_by_step(written):
    comparison = written.comparison
    lines = lines_of(written.page.parent / "actions.csv")
    ends = {(line["benchmark"], line["method"]): line for line in lines}
    assert set(ends) == {(name, method) for name in comparison.benchmarks for method in comparison.methods}
    for (name, method), last in ends.items():
        best = max(row.speedup for row in comparison.of(method, name))
        (row,) = (row for row in comparison.of(method, name) if row.steps)
        assert row.speedup == best
        assert (row.steps[0], row.steps[-1]) == (row.start, row.value)
        assert int(last["step"]) == len(row.actions)
        assert float(last["value"]) == pytest.approx(row.value, rel=1e-5)
    gained = [line for line in lines if line["action"] == "raise"]
    assert all(line["action"] != "untuned" or line["step"] == "0" for line in lines)
    assert len(gained) > 20


def test_derived_tables_say_what_the_statistics_say(written):
    comparison, folder = written.comparison, written.page.parent
    told = {(line["method"], line["against"]): line for line in lines_of(folder / "wins.csv")}
    for pair, record in records(comparison).items():
        assert [int(told[pair][name]) for name in ("wins", "ties", "losses")] == list(record)
    for line in lines_of(folder / "benchmarks.csv"):
        values = sorted(row.value for row in comparison.of("random", line["benchmark"]))
        assert float(line["random"]) == pytest.approx(values[1], rel=1e-5)
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == [one.method for one in summarise(comparison)]
    assert summary["policy"]["speedup"] == summarise(comparison)[list(summary).index("policy")].speedup.mean
    assert summary["halfway"]["iqm_low"] is None, "a baseline has no seeds to draw from"


class Reader(HTMLParser):
    """Notes what a page consists of, and refuses what it may not have."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.wanted: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form", "img")
        self.tags[tag] += 1
        for name, value in attributes:
            assert not name.startswith("on"), "no script in an attribute"
            if name == "id":
                self.ids[value or ""] += 1
            if name in ("src", "href", "xlink:href"):
                assert (value or "").startswith("#"), "nothing from elsewhere"
                self.wanted.append((value or "")[1:])


def test_the_page_loads_nothing_and_runs_its_own_script_alone(written):
    text = written.page.read_text()
    reader = Reader()
    reader.feed(text)
    assert reader.tags["script"] == 1
    script = text.partition("<script>")[2].partition("</script>")[0]
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert f"script-src 'sha256-{allowed}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
    assert not re.search(r"url\((?!#)", text)
    assert not [name for name, times in reader.ids.items() if times > 1], "no name twice"
    assert set(reader.wanted) <= set(reader.ids), "every link leads somewhere"
    assert text.count('<svg role="img"') == 2 * len(PICTURES), "each for a wide page and for a phone"


def test_a_baseline_without_any_value_has_its_line_and_its_reason_and_no_room_elsewhere(written):
    text = written.page.read_text()
    assert "absent has no value on 8 benchmarks: not installed: pip install &#x27;toys[more]&#x27;" in text
    assert text.count("<th scope=row>absent</th>") == 1, "among the methods"
    assert ">over halfway<" in text
    assert ">over absent<" not in text
    assert 'data-method="absent"' not in text


def test_what_others_have_named_is_shown_as_text(written, tmp_path):
    text = written.page.read_text()
    assert "dials &amp; more" in text
    assert COMMAND.replace("&", "&amp;").replace("'", "&#x27;") in text
    evil = "<script>alert(1)</script>"
    result = compare(Toy(), [Benchmark(evil, "toy", {"targets": [0]})], ["greedy1"], Budget(evaluations=9))
    assert result.rows[0].speedup == 1.0, "one search on one benchmark that is best untuned is drawn, too"
    page = write_report(result, tmp_path, graphs={evil: GRAPH}).read_text()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_figures_and_tables_are_the_same_bytes_twice(written, tmp_path):
    write_report(toy_comparison(), tmp_path)
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")]
    assert len(files) > len(TABLES) + len(PICTURES)
    for file in files:
        if file.suffix != ".html":
            assert (written.page.parent / file).read_bytes() == (tmp_path / file).read_bytes(), file


def test_a_worthless_untuned_state_and_answers_that_were_lost_are_drawn_and_told(tmp_path):
    targets = {"worthless": 7, "other": 3, "lost": 4}
    tasks = [Benchmark(name, "toy", {"targets": [target]}) for name, target in targets.items()]
    comparison = compare(Toy(), tasks, ["greedy1"], Budget(evaluations=20))
    worthless, other, lost = comparison.rows
    assert (worthless.speedup, worthless.value) == (math.inf, 1.0)
    nothing = {"claimed": math.nan, "spread": math.nan, "actions": (), "steps": (), "after": ""}
    other = dataclasses.replace(other, value=other.start, speedup=1.0, error="worker died", **nothing)
    unknown = {"start": math.nan, "value": math.nan, "speedup": math.nan}
    lost = dataclasses.replace(lost, error="nothing could be measured", **unknown, **nothing)
    page = write_report(dataclasses.replace(comparison, rows=(worthless, other, lost)), tmp_path).read_text()
    assert "2 benchmarks have no positive untuned value and no speedup" in page
    assert "worker died" in page
    assert "nothing could be measured" in page


def test_what_was_held_out_and_what_was_trained_on_are_reported_apart(tmp_path):
    comparison = toy_comparison(4, ["policy", "greedy1"], 1)
    splits = dict(zip(comparison.benchmarks, ("train", "test", "train", "test"), strict=True))
    comparison = dataclasses.replace(comparison, splits=splits)
    reader = Reader()
    page = write_report(comparison, tmp_path)
    reader.feed(page.read_text())
    assert not [name for name, times in reader.ids.items() if times > 1]
    assert page.read_text().index("Held-out benchmarks (2)") < page.read_text().index("Benchmarks of the training (2)")
    for prefix, split in (("", "test"), ("train_", "train")):
        part = comparison.parts()[split]
        assert [splits[name] for name in part.benchmarks] == [split, split]
        summary = json.loads((tmp_path / f"{prefix}summary.json").read_text())
        assert summary["policy"]["speedup"] == summarise(part)[[*summary].index("policy")].speedup.mean
        assert (tmp_path / f"{prefix}bars.png").exists()
        assert [line["benchmark"] for line in lines_of(tmp_path / f"{prefix}benchmarks.csv")] == list(part.benchmarks)
    assert {line["split"] for line in lines_of(tmp_path / "comparison.csv")} == {"train", "test"}


class Distance(Toy):
    """Dials where less is better."""

    def evaluate(self, state: Dials) -> Evaluation:
        share = super().evaluate(state)
        return Evaluation(11 - 10 * share.value, "steps", 1.0, higher_is_better=False)


def test_where_less_is_better_the_least_is_best_and_a_fall_is_a_gain():
    task = Benchmark("b", "toy", {"targets": [3, 2]})
    comparison = compare(Distance(), [task], ["greedy1", "greedy2"], Budget(evaluations=50))
    (one,), (two,) = comparison.of("greedy1"), comparison.of("greedy2")
    assert two.value == 1.0 < one.value < one.start
    assert [one.steps[0], one.steps[-1]] == [one.start, one.value]
    table = benchmark_tables(comparison, "")
    assert re.search(r'class="h4"[^>]*>1\.000<', table)
    assert not re.search(rf'class="h4"[^>]*>{one.value:.4g}', table)
    (shown,) = answers(comparison)
    assert shown.count("<li class=gain><b>raise</b>") == len(
        [name for name in (*one.actions, *two.actions) if name == "raise"]
    )


def test_names_of_files_are_safe_and_no_two_are_alike():
    names = ["a/b", "a_b", "A_B", "../../etc", "..", "\u00e9", "mm64_80_96"]
    files = file_names(names)
    assert list(files) == names
    assert files["mm64_80_96"] == "mm64_80_96"
    assert len({file.lower() for file in files.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", file) for file in files.values())


def test_graphs_without_room_are_counted():
    large = GRAPH.replace("</svg>", f"<!-- {'x' * (MOST_BYTES // 2)} --></svg>")
    shown = graph_frames({"one": large, "two": large, "three": GRAPH})
    assert shown.count("<details") == 1
    assert "2 more had no room" in shown


def test_matplotlib_is_imported_only_to_draw():
    check = "import sys, eval.report, eval.compare, eval.summary; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=60).returncode == 0
