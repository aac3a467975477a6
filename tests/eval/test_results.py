"""Results in the documentation are made of records, and say what those say."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from eval import results
from eval.budget import Budget
from eval.compare import carry_out
from eval.journal import Journal
from eval.kernel_tuners.contest import RESULTS, Result, write_results
from eval.kernel_tuners.trials import Run
from eval.plan import Plan
from eval.results import Record, keep, main, pages, read_record
from eval.setting import setting_of
from eval.statistics import summarise
from eval.wording import times
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy

LANDSCAPES = Path(__file__).parents[2] / "datasets" / "kernel_landscapes"
PAGE = "# A page\n\n<!-- results: toy -->\nold\n<!-- end -->\nend\n"
BENCHMARKS = [Benchmark(f"dials{number}", "toy", {"targets": [number, 3]}) for number in range(1, 5)]


@pytest.fixture
def nothing_shipped() -> None:
    """Our own pages have what is shipped."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RECORDS", tmp_path / "docs" / "results")
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(PAGE)
    (tmp_path / "docs" / "toy.md").write_text(PAGE)
    (tmp_path / "docs" / "other.md").write_text("nothing here\n")
    return tmp_path


@pytest.fixture
def report(root: Path) -> Path:
    """The folder of a finished comparison."""
    plan = Plan.make(BENCHMARKS, ("random", "greedy2"), Budget(evaluations=40), (0, 1))
    with Journal(root / "report", setting_of(Toy(), plan, "")) as journal:
        carry_out(Toy(), plan, journal=journal)
    return root / "report"


def test_a_record_holds_what_was_measured(report: Path, root: Path) -> None:
    record = read_record(keep(report, "toy", "Dials"))
    assert isinstance(record, Record) and record.title == "Dials" and record.comparison.budget == Budget(evaluations=40)
    assert (record.comparison.methods, record.comparison.seeds) == (("random", "greedy2"), (0, 1))
    plan = Plan.make(BENCHMARKS, ("random", "greedy2"), Budget(evaluations=40), (0, 1))
    again = {one.method: one for one in summarise(carry_out(Toy(), plan))}
    for one in summarise(record.comparison):
        assert one.speedup == pytest.approx(again[one.method].speedup)
        assert times(one.speedup.mean) in record.table()


def test_pages_are_filled_and_then_stay_as_they_are(
    report: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keep", str(report), "toy", "Dials"])
    main([])
    assert (root / "docs" / "results" / "toy.png").read_bytes().startswith(b"\x89PNG")
    for page, figure in (("README.md", "(docs/results/toy.png)"), ("docs/toy.md", "(../docs/results/toy.png)")):
        text = (root / page).read_text()
        assert "| greedy2 |" in text and figure in text and "old" not in text and text.endswith("\nend\n")
    assert (root / "docs" / "other.md").read_text() == "nothing here\n"
    capsys.readouterr()
    main([])
    assert capsys.readouterr().out == "README.md: as it was\ndocs/toy.md: as it was\n"


def test_a_contest_of_kernel_tuners_is_a_record_too(root: Path) -> None:
    folder, name = root / "contest", "dense_128x128x128"
    folder.mkdir()
    runs = [run_of(name, "fresh", 100.0, 200.0, 400.0), run_of(name, "warm", 300.0, 480.0)]
    write_results(folder / RESULTS, runs)
    with pytest.raises(UserError, match="no contest of measured kernels"):
        keep(folder, "toy", "Warm starts")
    shutil.copy(LANDSCAPES / f"{name}.jsonl", folder)
    keep(folder, "toy", "Warm starts")
    main([])
    text = (root / "README.md").read_text()
    assert f"| {name} | 400 GFLOPS | 1.20x | 2 |" in text and "Warm starts: 1 seed (AMD EPYC" in text
    assert (root / "docs" / "results" / "toy.png").read_bytes().startswith(b"\x89PNG")


def run_of(kernel: str, method: str, *best: float) -> Result:
    return Result(kernel, method, 0, Run(np.array(best), 0.0, len(best), 0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "is no record of results"),
        (("keep", "nowhere", "toy", "Dials"), "can't be read"),
        (("keep",), "write: python -m eval.results"),
        (("ship", "nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(root: Path, capsys: pytest.CaptureFixture[str], arguments, words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    error = capsys.readouterr().err
    assert ended.value.code == 2 and words in error and error.count("\n") == 1


def test_our_own_pages_say_what_their_records_say() -> None:
    for path, text, filled in pages():
        assert text == filled, f"{path} is not what its records say; run: make results"
