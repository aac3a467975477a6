"""A sweep: each training a whole run of its own, listed best first, and nothing else left behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from launcher.training.sweep_table import Entry, finish_sweep, ranked
from models.policy import Policy
from tests.conftest import ROOT

SWEEP = (sys.executable, "-m", "launcher.cli", "train", "--trainer", "ppo", "--eval-time", "0.02")


def sweep(*options: object, cwd: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RLLIB_NUM_GPUS": "0", "LOOP_TOOL_ROOT": ""}
    # A home of its own shows what is left there; matplotlib would search it for fonts for a minute.
    environment |= {"HOME": str(cwd), "MPLCONFIGDIR": matplotlib.get_configdir()}
    command = [*SWEEP, *map(str, options)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_sweep_trains_ranks_and_cleans_up(toy_suite, tmp_path):
    """With a suite given relative to here, and one setting that the user has fixed."""
    options = ("--dataset", toy_suite.name, "--iter", 1, "--steps", 6, "--eval-size", 1, "--sweep", 2)
    process = sweep(*options, "--trainer-settings", "batch_steps=128", cwd=tmp_path)
    output, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors
    (folder,) = (tmp_path / "runs").iterdir()
    assert {path.name for path in folder.glob("*.*")} == {"sweep.csv", "sweep.json"}
    with (folder / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2"] and float(rows[0]["score"]) >= float(rows[1]["score"])
    assert {row["scored_by"] for row in rows} <= {"held-out speed-up", "mean return"}
    trainings = json.loads((folder / "sweep.json").read_text())["trainings"]
    assert {training["run"] for training in trainings} == {path.name for path in folder.iterdir() if path.is_dir()}
    assert len({training["settings"]["learning_rate"] for training in trainings}) == 2
    for training in trainings:
        origin = Policy.load(folder / training["run"]).provenance
        assert origin["trainer_settings"]["batch_steps"] == 128 and "batch_steps" not in training["settings"]
        assert origin["trainer_settings"].items() >= training["settings"].items()
        assert (folder / training["run"] / "report" / "report.html").exists()
    assert f"best policy: {folder / rows[0]['run'] / 'policy'}" in output
    assert not list((tmp_path / "ray_results").glob("*"))


@pytest.mark.slow
def test_an_interrupted_sweep_lists_what_is_complete(toy_suite, tmp_path):
    options = ("--dataset", toy_suite.name, "--iter", 1, "--eval-size", 0, "--sweep", 50)
    process = sweep(*options, "--trainer-settings", "batch_steps=128", cwd=tmp_path)
    for line in process.stdout:
        if line.startswith("1 of 50"):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 130 and "best policy" in output, errors
    (folder,) = (tmp_path / "runs").iterdir()
    trainings = json.loads((folder / "sweep.json").read_text())["trainings"]
    assert 1 <= len(trainings) < 50 and trainings[0]["scored_by"] == "mean return"
    for training in trainings:
        assert Policy.load(folder / training["run"]).provenance["iteration"] == 1


def test_failed_trainings_come_last(tmp_path, capsys):
    entries = [
        Entry({"epochs": 1}, error="the loss is no number"),
        Entry({"epochs": 2}, score=0.1, scored_by="mean return", run="second"),
        Entry({"epochs": 3}, score=0.2, scored_by="mean return", run="first"),
    ]
    assert [entry.run for entry in ranked(entries)] == ["first", "second", ""]
    finish_sweep(tmp_path, entries)
    output = capsys.readouterr().out
    assert "failed: the loss is no number" in output and f"best policy: {tmp_path / 'first' / 'policy'}" in output
    assert len((tmp_path / "sweep.csv").read_text().splitlines()) == 4
