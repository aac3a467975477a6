"""The run directory: found again, never mixed up, and small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.store import RunDirectory, list_runs
from models.store.locate import locate_run
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


def test_what_is_done_again_leaves_the_metrics(run):
    for iteration in (1, 2, 3):
        run.log({"iteration": iteration})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"iterat')
    (run.path / ".policy-left").mkdir()
    run.go_on(2, {"seed": 4})
    run.log({"iteration": 3, "again": True})
    assert [row["iteration"] for row in run.metrics()] == [1, 2, 3]
    assert json.loads((run.path / "metrics-abandoned.jsonl").read_text()) == {"iteration": 3}
    record = RunDirectory.open(run.path).record
    assert record["seed"] == 4 and record["earlier"][0]["seed"] == 3 and record["earlier"][0]["until_iteration"] == 2
    assert not list(run.path.glob(".*"))
    run.go_on(3, {"seed": 5})
    assert [part["seed"] for part in run.record["earlier"]] == [3, 4]


def test_one_process_at_a_time_trains_in_a_run(run):
    with run.locked(), pytest.raises(UserError, match="another process is training"), RunDirectory(run.path).locked():
        pass
    with run.locked():
        pass


@pytest.mark.parametrize("place", [".", "checkpoints/000001"])
def test_a_run_is_found_by_its_folder_and_by_a_checkpoint(run, place):
    (run.path / "checkpoints" / "000001").mkdir()
    found, checkpoint = locate_run(str(run.path / place))
    assert found.path == run.path and (checkpoint is None) == (place == ".")


@pytest.mark.parametrize(
    ("place", "message"), [("checkpoints/000009", "stands for the newest"), ("https://wandb.ai/a/b/c", "is an address")]
)
def test_a_place_that_is_no_run_is_one_clear_error(run, place, message):
    with pytest.raises(UserError, match=message):
        locate_run(place if "://" in place else str(run.path / place))


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
