"""`tunewright records`: tables, filters, CSV, and one line for whatever is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from launcher.cli import main
from models.store import RunDirectory
from rllib_envs.problem import Evaluation
from rllib_envs.records import RecordStore

HERE = "a processor"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two benchmarks of the toy, one of loop nests; one failure; a line that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    path = tmp_path / "some.jsonl"
    store = RecordStore(path)
    for position, target in ((1, 2), (2, 2), (0, 5)):
        value = 1 - abs(position - target) / 7
        store.add("toy", f"targets {target}", f"positions {position}", HERE, Evaluation(value, "share", 1.0))
    crash = Evaluation(0.0, "GFLOPS", 140.0, error="crash: SIGSEGV [bold]", doubtful=True, details={"samples": 0})
    store.add("loop_nest", "m=8: C[m] += A[m+k]", "m:1", HERE, crash)
    return path


def run(capsys, *arguments) -> tuple[str, str]:
    main(["records", *map(str, arguments)])
    return capsys.readouterr()


def test_the_table_shows_every_record(file, capsys):
    output, errors = run(capsys, file)
    assert "4 records" in output and not errors
    for text in ("targets 2", "positions 1", "0.8571", "share", "C[m] += A[m+k]", "crash: SIGSEGV [bold]", "loop_nest"):
        assert text in output


def test_filters(file, capsys):
    output, _ = run(capsys, file, "--problem", "toy", "--benchmark", "targets 2")
    assert "2 records" in output and "targets 5" not in output
    output, _ = run(capsys, file, "--failed")
    assert "1 records" in output and "SIGSEGV" in output
    output, _ = run(capsys, file, "--best")
    assert "2 records" in output and "positions 2" in output and "positions 1" not in output
    output, _ = run(capsys, file, "--limit", 1)
    assert "1 of 4 records" in output and "SIGSEGV" in output


def test_the_best_may_be_the_lowest_and_is_relative_to_its_scale(tmp_path, capsys):
    store = RecordStore(tmp_path / "some.jsonl")
    store.add("p", "b", "slow clock", HERE, Evaluation(90.0, "GFLOPS", 100.0))
    store.add("p", "b", "fast clock", HERE, Evaluation(100.0, "GFLOPS", 140.0))
    store.add("p", "c", "short", HERE, Evaluation(1.0, "seconds", 10.0, higher_is_better=False))
    store.add("p", "c", "long", HERE, Evaluation(9.0, "seconds", 10.0, higher_is_better=False))
    output, _ = run(capsys, tmp_path / "some.jsonl", "--best")
    assert "slow clock" in output and "short" in output and "2 records" in output


def test_a_benchmark_is_found_by_its_file(file, tmp_path, capsys):
    (tmp_path / "toy.json").write_text(json.dumps({"name": "any", "problem": "toy", "spec": {"targets": [2]}}))
    output, _ = run(capsys, file, "--benchmark", "toy.json")
    assert "2 records" in output


def test_csv_holds_everything_and_is_never_overwritten(file, tmp_path, capsys):
    output, _ = run(capsys, file, "--csv", "all.csv")
    assert output == "4 records written to all.csv\n"
    with (tmp_path / "all.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["solution"] for row in rows] == ["positions 1", "positions 2", "positions 0", "m:1"]
    assert float(rows[0]["value"]) == 1 - 1 / 7 and rows[0]["details.samples"] == "" and rows[3]["doubtful"] == "True"
    before = (tmp_path / "all.csv").read_bytes()
    with pytest.raises(SystemExit) as ended:
        run(capsys, file, "--csv", "all.csv")
    assert ended.value.code == 2 and (tmp_path / "all.csv").read_bytes() == before


def test_runs_and_folders_of_runs(file, tmp_path, capsys):
    own = RunDirectory.create("runs", "own", {"settings": {"records": None}})
    own.records.write_bytes(file.read_bytes())
    sharing = RunDirectory.create("runs", "sharing", {"settings": {"records": str(file)}})
    for paths in ((own.path,), (sharing.path,), (sharing.path, file), ("runs",), ()):
        assert "4 records" in run(capsys, *paths)[0], paths
    assert "8 records" in run(capsys, own.path, file)[0]


def test_lines_that_are_no_records_are_counted_in_one_warning(file, capsys):
    with file.open("a") as opened:
        opened.write("garbage\n{}\n\n[]\n" + '{"problem": "toy", "torn')
    output, errors = run(capsys, file)
    assert "4 records" in output
    assert errors == (f"warning: 4 lines are no records and were skipped: {file}:5, {file}:6, {file}:7 and 1 more\n"), (
        "a torn last line may be in the making"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.jsonl",), "nowhere.jsonl does not exist"),
        ((".",), "no run in . holds records.jsonl"),
        ((), "runs does not exist"),
        (("some.jsonl", "--problem", "toi"), "did you mean 'toy'"),
        (("some.jsonl", "--benchmark", "targets 9"), "no record is of benchmark 'targets 9'; one of them is"),
        (("some.jsonl", "--benchmark", "nowhere.json"), "nowhere.json does not exist"),
        (("some.jsonl", "--limit", "0"), "must be at least 1"),
        (("some.jsonl", "--best", "--failed"), "exclude each other"),
        (("text.csv",), "none of 2 lines is a record"),
        (("some.jsonl", "--csv", "no/folder/x.csv"), "can't be written"),
        (("empty_run",), "recorded nothing"),
    ],
)
def test_bad_input_is_one_line(file, tmp_path, capsys, arguments, message):
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty_run").mkdir()
    (tmp_path / "empty_run" / "run.json").write_text("{}")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as ended:
        run(capsys, *arguments)
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors.count("\n") == 1 and message in errors, errors
    assert sorted(tmp_path.iterdir()) == before
