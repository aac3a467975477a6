"""The report holds what was measured, in one page that needs nothing else."""

from __future__ import annotations

import csv
import io
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from rich.console import Console

from eval import wording
from eval.budget import Budget
from eval.compare import compare
from eval.report import write_report
from eval.summary import print_summary
from rllib_envs.problem import Benchmark, Evaluation

PICTURES = ("speedup_bars", "speedup_profile", "anytime", "per_benchmark")


@pytest.fixture
def comparison(toy, clock, policy, benchmarks):
    policy.clock, policy.seconds = clock, 0.01
    evil = Benchmark("<script>alert(1)</script>", "toy", {"targets": [2, 2]})
    half = {"numpy": lambda benchmark: Evaluation(0.5, "share", 1.0)}
    return compare(
        toy, [*benchmarks, evil], ["policy", "greedy2", "random"], Budget(seconds=20), (0, 1), policy,
        baselines=half, clock=clock,
    )  # fmt: skip


def test_every_file_is_written(comparison, tmp_path):
    page = write_report(comparison, tmp_path / "new" / "report", command="tunewright compare --dataset 'a & b'")
    assert page.name == "report.html"
    for name in PICTURES:
        assert (page.parent / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with (page.parent / "comparison.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(comparison.rows)
    for line, row in zip(lines, comparison.rows, strict=True):
        assert float(line["value"]) == pytest.approx(row.value, rel=1e-5)
        assert float(line["ratio_to_numpy"]) == pytest.approx(row.ratios["numpy"], rel=1e-5)
        assert line["actions"].split() == list(row.actions)
    with (page.parent / "curves.csv").open() as file:
        assert sum(1 for _ in file) == 1 + sum(len(curve.points) for curve in comparison.curves)


def test_the_page_stands_alone_and_runs_nothing(comparison, tmp_path):
    text = write_report(comparison, tmp_path, command="run <me>", details={"suite": "abc & def"}).read_text()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
            for name, value in attributes:
                assert not name.startswith("on")
                if name in ("src", "href", "xlink:href"):
                    assert value.startswith(("#", "data:"))

    Reader().feed(text)
    assert "alert(1)" in text, "the benchmark is shown, as text"
    assert "run &lt;me&gt;" in text
    assert "abc &amp; def" in text
    assert text.count("<svg ") == len(PICTURES)
    assert not re.search(r"url\((?!#)", text)


def test_figures_and_tables_are_the_same_bytes_twice(comparison, tmp_path):
    for name in ("one", "two"):
        write_report(comparison, tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        if file.suffix != ".html":
            assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_a_comparison_of_one_search_on_one_benchmark_is_drawn_too(toy, clock, tmp_path):
    untuned_is_best = Benchmark("done", "toy", {"targets": [0]})
    worthless_start = Benchmark("zero", "toy", {"targets": [7]})
    for task in (untuned_is_best, worthless_start):
        result = compare(toy, [task], ["greedy1"], Budget(evaluations=20), clock=clock)
        assert write_report(result, tmp_path / task.name).exists()
        print_summary(result, Console(file=io.StringIO()))


def test_the_summary_fits_a_terminal_and_has_every_method(comparison):
    console = Console(file=io.StringIO(), width=80)
    print_summary(comparison, console)
    text = console.file.getvalue()
    assert all(len(line) <= 80 for line in text.splitlines())
    for method in comparison.contestants:
        assert re.search(rf"^{method} ", text, re.MULTILINE)
    assert "policy over random_10x" in text
    assert "10 times" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9996, "1.00"), (0.07123, "0.0712"), (3.1, "3.10"), (213.7, "214"), (12440, "12,400"), (0, "0"), (math.nan, "-"),
     (1e9, "1.00e+09")],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert wording.number(value) == text


def test_matplotlib_is_imported_only_to_draw():
    check = "import sys, eval.report, eval.compare, eval.summary; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=60).returncode == 0
