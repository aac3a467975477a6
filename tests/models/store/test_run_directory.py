"""The run directory: found again, never mixed up, and small."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.store import RunDirectory, list_runs
from rllib_envs.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "runs", "toy-ppo-small", {"seed": 3, "suite_hash": "ab"})


def test_a_new_run_records_what_it_was_made_with(run):
    record = RunDirectory.open(run.path).record
    assert record["seed"] == 3 and record["suite_hash"] == "ab"
    assert {"python", "torch", "numpy"} <= record["versions"].keys()
    assert record["hardware"]["cores"] >= 1
    assert run.name.endswith("-toy-ppo-small")


def test_a_discarded_run_leaves_nothing_and_spares_the_others(run):
    other = RunDirectory.create(run.path.parent, "other", {})
    run.discard()
    assert [left.path for left in list_runs(other.path.parent)] == [other.path]
    other.discard()
    assert not other.path.parent.exists()


def test_runs_of_the_same_second_have_different_names(tmp_path):
    runs = [RunDirectory.create(tmp_path, "x", {}) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    assert {run.path for run in list_runs(tmp_path)} == {run.path for run in runs}


def test_a_label_can_not_leave_the_root(tmp_path):
    run = RunDirectory.create(tmp_path, "toy-../../etc:train", {})
    assert run.path.parent == tmp_path


def test_metrics_survive_a_line_that_was_cut_off(run):
    for iteration in (1, 2):
        run.log({"iteration": iteration})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"iterat')
    assert [row["iteration"] for row in run.metrics()] == [1, 2]


def test_metrics_hold_numbers_only(run):
    with pytest.raises(ValueError, match="JSON"):
        run.log({"loss": float("nan")})


@dataclass
class Session:
    iteration: int
    score: float

    def save(self, directory: Path) -> None:
        directory.mkdir()
        (directory / "state").write_text(str(self.iteration))


def test_the_best_and_the_last_checkpoint_are_kept(run):
    assert run.last_checkpoint() is None and run.best_checkpoint() is None
    for iteration, score in ((1, 0.2), (2, 0.9), (3, 0.5), (4, 0.9), (5, 0.1)):
        run.checkpoint(Session(iteration, score))
    assert run.last_checkpoint().name == "000005"
    assert run.best_checkpoint().name == "000004"
    kept = sorted(path.name for path in (run.path / "checkpoints").iterdir() if path.is_dir())
    assert kept == ["000004", "000005"]


def test_a_wrong_path_is_one_clear_error(run, tmp_path):
    with pytest.raises(UserError, match=f"does not exist; the latest runs there are {run.name}"):
        RunDirectory.open(run.path.parent / "typo")
    with pytest.raises(UserError, match="train one first"):
        RunDirectory.open(tmp_path / "empty" / "typo")
    with pytest.raises(UserError, match=r"has no run\.json"):
        RunDirectory.open(tmp_path)
    (run.path / "run.json").write_text(json.dumps({"schema_version": 9}))
    with pytest.raises(UserError, match="schema version 9"):
        RunDirectory.open(run.path)


def test_a_root_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another root"):
        RunDirectory.create(tmp_path / "file", "x", {})
