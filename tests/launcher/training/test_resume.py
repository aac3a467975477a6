"""`tunewright train --resume`: the same training goes on, and nothing else is taken for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import cli
from models.checkpoint import Checkpoint
from models.policy import Policy
from models.store.run_directory import RunDirectory
from rllib_envs.problem import Benchmark


@pytest.fixture(scope="module", autouse=True)
def ray():
    from models.local_ray import ray_running

    with ray_running(workers=1, gpus=0):
        yield


@pytest.fixture(autouse=True)
def no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLLIB_NUM_GPUS", "0")


@pytest.fixture(scope="module")
def first_run(tmp_path_factory) -> Path:
    """A run of two iterations, whose checkpoints after each of them are kept."""
    home = tmp_path_factory.mktemp("home")
    suite = write_suite(home / "toy_suite")
    options = ("--dataset", suite, "--eval-size", 0, "--runs", home / "runs", "--test-share", 0.3)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("RLLIB_NUM_GPUS", "0")
        assert tunewright(*options, "--iter", 1) == 0
        (path,) = (home / "runs").iterdir()
        assert tunewright("--resume", path, "--iter", 2) == 0
    return path


def write_suite(folder: Path) -> Path:
    folder.mkdir()
    for index in range(12):
        benchmark = Benchmark(f"toy{index}", "toy", {"targets": [(3 * index + 2) % 8, index % 5]})
        (folder / f"{index}.json").write_text(benchmark.to_json())
    return folder


@pytest.fixture
def trained(first_run, tmp_path) -> RunDirectory:
    """A copy of that run."""
    return RunDirectory(shutil.copytree(first_run, tmp_path / "runs" / first_run.name))


def tunewright(*arguments) -> int:
    """`tunewright train` in this process: its exit code."""
    try:
        cli.main(["train", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def rows(run: RunDirectory) -> list[int]:
    steps = [row["env_steps"] for row in run.metrics()]
    assert steps == sorted(set(steps)), "counters must grow"
    return [row["iteration"] for row in run.metrics()]


def test_training_goes_on_in_the_same_run(trained):
    assert rows(trained) == [1, 2]
    before = Checkpoint.read(trained.last_checkpoint())
    assert tunewright("--resume", trained.path, "--iter", 4, "--env-runners", 1, "--envs-per-runner", 4) == 0
    assert rows(trained) == [1, 2, 3, 4] and len(list(trained.path.parent.iterdir())) == 1
    after = Checkpoint.read(trained.last_checkpoint())
    assert after.counters.iteration == 4 and after.counters.seconds > before.counters.seconds
    assert Policy.load(trained.path).provenance["iteration"] == 4
    record = trained.record
    assert record["settings"]["env"]["test_share"] == 0.3, "what isn't given is as it was"
    assert [part["until_iteration"] for part in record["earlier"]] == [1, 2]


def test_a_finished_training_has_nothing_left_to_do(trained):
    assert tunewright("--resume", trained.path) == 0
    assert rows(trained) == [1, 2]


def test_an_earlier_checkpoint_starts_a_history_of_its_own(trained):
    assert tunewright("--resume", trained.path / "checkpoints" / "000001", "--iter", 3) == 0
    assert rows(trained) == [1, 2, 3]
    assert json.loads((trained.path / "metrics-abandoned.jsonl").read_text())["iteration"] == 2
    assert (trained.path / "checkpoints" / "000002.abandoned").is_dir()


@pytest.mark.parametrize("file", ["learner.safetensors", "checkpoint.json", "manifest.json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(trained, file, capsys):
    path = trained.last_checkpoint() / file
    path.write_bytes(path.read_bytes()[:-20])
    assert tunewright("--resume", trained.path, "--iter", 3) == 0
    output = capsys.readouterr().out
    assert f"warning: {path}" in output and "going on from" in output and "000001" in output
    assert rows(trained) == [1, 2, 3] and (trained.path / "checkpoints" / "000002.damaged").is_dir()


def test_without_a_whole_checkpoint_nothing_is_touched(trained, capsys):
    for path in trained.checkpoints.newest_first():
        (path / "learner.safetensors").unlink()
    before = sorted(path.name for path in trained.path.rglob("*"))
    capsys.readouterr()
    assert tunewright("--resume", trained.path, "--iter", 3) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "learner.safetensors is missing" in error
    assert sorted(path.name for path in trained.path.rglob("*")) == before


@pytest.mark.parametrize(
    ("flags", "message", "possible"),
    [
        (("--seed", 7), "seed was 0 and is now 7", True),
        (("--steps", 5), "horizon was 16 and is now 5", True),
        (("--test-share", 0.5), "test_share was 0.3 and is now 0.5", True),
        (("--trainer", "dqn"), 'trainer was "ppo" and is now "dqn"', False),
        (("--problem", "loop_nest"), "is of problem 'toy'", False),
    ],
)
def test_other_settings_are_refused_with_the_difference(trained, flags, message, possible, capsys):
    before = {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert tunewright("--resume", trained.path, "--iter", 3, *flags) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error and ("--resume-anyway" in error) == possible
    assert {path: path.read_bytes() for path in trained.path.rglob("*") if path.is_file()} == before
    code = tunewright("--resume", trained.path, "--iter", 3, "--resume-anyway", *flags)
    assert (code == 0) == possible and rows(trained) == ([1, 2, 3] if possible else [1, 2])


def test_a_changed_suite_is_refused_and_one_that_was_moved_is_not(trained, tmp_path, capsys):
    moved = write_suite(tmp_path / "moved")
    assert tunewright("--resume", trained.path, "--iter", 3, "--dataset", moved) == 0
    (moved / "more.json").write_text(Benchmark("more", "toy", {"targets": [1]}).to_json())
    capsys.readouterr()
    assert tunewright("--resume", trained.path, "--iter", 4) == 2
    assert "suite_hash was" in capsys.readouterr().err
    assert tunewright("--resume", trained.path, "--iter", 4, "--resume-anyway") == 0


@pytest.mark.parametrize(
    ("place", "message"),
    [("nowhere", "does not exist"), ("https://example.org/a/b/runs/c", "is at example.org; runs are fetched from")],
)
def test_what_is_no_run_is_one_clear_line(place, message, capsys):
    assert tunewright("--resume", place) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error


def test_more_gpus_than_there_are_is_one_clear_line(toy_suite, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RLLIB_NUM_GPUS", "64")
    assert tunewright("--dataset", toy_suite, "--runs", tmp_path / "runs", "--eval-size", 0) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "64 GPUs were asked for" in error and not (tmp_path / "runs").exists()


def test_a_killed_training_goes_on(toy_suite, tmp_path):
    """In a process of its own, which is killed without a warning between two checkpoints."""
    options = ("--dataset", toy_suite, "--minutes", 5, "--save-minutes", 0.01, "--eval-size", 0)
    command = [sys.executable, "-m", "launcher.cli", "train", *map(str, options), "--runs", tmp_path / "runs"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(tmp_path)})
    for line in process.stdout:
        if line.startswith("iteration") and len(list(tmp_path.glob("runs/*/checkpoints/0*"))) >= 2:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = RunDirectory(next((tmp_path / "runs").iterdir()))
    last = int(Path(run.last_checkpoint()).name)
    assert tunewright("--resume", run.path, "--iter", last + 2) == 0
    assert rows(run) == list(range(1, last + 3))
