"""Kernel tuning launched as a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from launcher import cli
from launcher.jobs.after_job import REQUEUE_STATUS, reason_to_requeue
from launcher.jobs.apps import APPS
from tests.launcher.jobs.conftest import Launches, ended, job_field, nothing_left


def config(**changes: Any) -> dict[str, Any]:
    return {"models": ["mlp"], "autotuner_settings": {"tuner": "random", "trials": 6, "batch": 2, **changes}}


@pytest.mark.slow
def test_a_network_is_tuned_on_a_node_of_the_cluster(launches: Launches, slurm_cluster: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config()))
    asked = ("--app=driver.py", "--mode=tune", f"--config={path}", "--num-cpus=2", "--mem=3000M", "--wait")
    done = launches.run("launch", *asked)
    assert done.returncode == 0, done.stderr
    (folder,) = launches.runs.iterdir()
    assert folder.name.endswith("-tune-mlp")
    (job,) = launches.record(folder)["jobs"]
    ended(job)
    assert job_field(job, "JobState") == "COMPLETED"
    records = folder / "results" / "tuning" / "mlp"
    assert len((records / "trials.jsonl").read_text().splitlines()) == 1 + 3 + 6
    assert (records / "database_tuning_record.json").exists()
    assert f"tuning records of TVM are in {records}" in launches.run("logs", job).stdout
    assert not list((folder / "job").glob("ray-*")), "it needs no Ray"
    nothing_left(folder, job)


def test_copies_differ_in_their_seed() -> None:
    app = APPS["driver.py"]
    copies = app.copies(["--mode=tune", f"--config={json.dumps(config(seed=5))}"], 3)
    seeds = [json.loads(text.removeprefix("--config="))["autotuner_settings"]["seed"] for _, text in copies]
    assert seeds == [5, 6, 7] and all(app.check(arguments) == "tune-mlp" for arguments in copies)


def test_what_is_saved_lies_in_the_run_directory_and_what_is_read_where_it_was(tmp_path: Path) -> None:
    from eval.driver import MODES

    text, run = json.dumps(config()), tmp_path / "run"
    tuned, timed = (MODES[mode].within(MODES[mode].read(text), run) for mode in ("tune", "benchmark"))
    assert tuned.folder("mlp") == run / "results" / "tuning" / "mlp"
    assert timed.records("mlp") == Path("results/tuning/mlp") and Path(timed.run.save_path).is_relative_to(run)
    absolute = json.dumps(config(save_path=str(tmp_path / "shared")))
    assert MODES["tune"].within(MODES["tune"].read(absolute), run).folder("mlp") == tmp_path / "shared" / "mlp"
    experiment = json.dumps({"experiments": {"names": ["compare_gadqn_ga"]}})
    assert MODES["experiment"].within(MODES["experiment"].read(experiment), run).save_path == str(run / "results")
    learning = json.dumps({"learning": {}})
    assert MODES["learn"].within(MODES["learn"].read(learning), run).save_path == str(run / "results" / "knowledge")
    assert APPS["driver.py"].check(["--mode=learn", f"--config={learning}"]) == "learn"


@pytest.mark.parametrize("kept", ["results/tuning/mlp/trials.jsonl", "results/knowledge/measured/dense.jsonl"])
def test_a_job_that_measured_more_kernels_each_time_is_queued_again_without_end(tmp_path: Path, kept: str) -> None:
    trials = tmp_path / kept
    trials.parent.mkdir(parents=True)
    for attempt in range(10):
        trials.write_text("{}\n" * attempt)
        assert "its time is up" in reason_to_requeue(REQUEUE_STATUS, "7", tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "driver.py: the following arguments are required: -m/--mode, -c/--config"),
        (("--mode=tun", "--config={}"), "invalid choice: 'tun'"),
        (("--mode=tune", "--config=none.json"), "configuration none.json can't be read"),
        (("--mode=tune", f"--config={json.dumps(config(trial=3))}"), "did you mean 'trials'"),
        (("--mode=tune", f"--config={json.dumps(config())}", "-n=2"), "driver.py runs on one node"),
        (("--mode=tune", f"--config={json.dumps(config())}", "--sweep=2"), "--sweep is for trainings"),
        (("--mode=benchmark", f"--config={json.dumps(config())}", "--jobs=2"), "mode benchmark has none"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["launch", "--dry-run", "--app=driver.py", f"--runs={tmp_path}", *arguments])
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and said in line
