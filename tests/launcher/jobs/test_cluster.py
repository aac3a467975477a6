"""Launches on a real SLURM of three nodes: trainings over several of them, ended in every way, and what is left."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from models.policy import Policy
from models.store.run_directory import RunDirectory
from tests.devclusters import output, wait_until
from tests.launcher.jobs.conftest import Launches, ended, job_field, nothing_left

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm_cluster")]


def test_two_nodes_train_together(launches: Launches) -> None:
    folder = launches.launch("--num-nodes=2", "--iter=2", "--env-runners=2", "--wait")
    run, (job,) = RunDirectory.open(folder), launches.record(folder)["jobs"]
    assert [row["iteration"] for row in run.metrics()] == [1, 2]
    assert Policy.load(folder).problem == "toy"
    logs = {path.name for path in (folder / "job").glob("ray-*.log")}
    assert len(logs) == 2 and {name.partition(".")[2] for name in logs} == {"0.log", "1.log"}
    ended(job)
    assert job_field(job, "JobState") == "COMPLETED"
    nothing_left(folder, job)
    wait_until(lambda: "COMPLETED" in launches.run("jobs").stdout, "accounting to know it")
    listed = launches.run("jobs").stdout
    assert re.search(rf"{job} +COMPLETED .* 2 ", listed), listed
    told = launches.run("logs", job).stdout
    assert f"run directory: {folder}" in told and "policy:" in told


def test_a_job_whose_time_is_nearly_up_saves_is_queued_again_and_goes_on(launches: Launches) -> None:
    folder = launches.launch("--iter=4", "--env-runners=1", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 1")
    subprocess.run(["scancel", "--signal=USR2", job], check=True)
    launches.wait_for(folder, "queued again: its time is up")
    launches.wait_for(folder, "goes on after iteration")
    ended(job)
    assert job_field(job, "JobState") == "COMPLETED"
    rows = list(RunDirectory.open(folder).metrics())
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4]
    steps = [row["env_steps"] for row in rows]
    assert steps == sorted(steps) and len(list(launches.runs.iterdir())) == 1
    nothing_left(folder, job)


def test_a_failing_program_is_not_queued_again(launches: Launches) -> None:
    done = launches.run(
        "launch", f"--dataset={launches.suite}", "--iter=5", "--eval-size=0", "--num-cpus=2", "--mem=3000M", "--wait",
        "--env-runners=0", "--trainer-settings", "learning_rate=1e30", "batch_steps=256",
    )  # fmt: skip
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert re.match(r"error: 1 of 1 jobs failed; job \d+: .*is no number any more", line), line
    (folder,) = launches.runs.iterdir()
    (job,) = launches.record(folder)["jobs"]
    ended(job)
    assert job_field(job, "JobState") == "FAILED" and "queued again" not in launches.log(folder)
    nothing_left(folder, job)


def test_a_killed_head_is_queued_again_and_a_cancelled_job_saves_and_leaves_nothing(launches: Launches) -> None:
    folder = launches.launch("--iter=1000", "--env-runners=1", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 1")
    subprocess.run(["pkill", "-KILL", "-f", f"submitit.core._submit {folder}/job"], check=True)
    launches.wait_for(folder, "attempt 1 of 3")
    launches.wait_for(folder, "iteration 2")
    told = launches.run("cancel", job)
    assert told.returncode == 0 and "saves what it has done, and ends" in told.stdout
    ended(job)
    assert job_field(job, "JobState") == "CANCELLED"
    nothing_left(folder, job)
    run = RunDirectory.open(folder)
    assert int(run.last_checkpoint().name) == list(run.metrics())[-1]["iteration"]


def test_a_job_that_is_cancelled_twice_ends_at_once(launches: Launches) -> None:
    folder = launches.launch("--iter=1000", "--env-runners=1", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 1")
    (folder / "job" / f"{job}_cancelled").touch()
    told = launches.run("cancel", job)
    assert told.returncode == 0 and told.stdout.startswith("cancelled")
    ended(job)
    assert job_field(job, "JobState") == "CANCELLED"
    nothing_left(folder, job)


def test_one_failing_element_of_an_array_does_not_fail_the_others(launches: Launches) -> None:
    (launches.suite / "broken").mkdir()
    folder = launches.launch("--jobs=3", "--iter=1", "--env-runners=0", "--seed=5")
    record = launches.record(folder)
    assert [job.rpartition("_")[2] for job in record["jobs"]] == ["0", "1", "2"]
    assert launches.run("cancel", record["jobs"][1]).returncode == 0
    array = record["jobs"][0].partition("_")[0]
    wait_until(lambda: not output("squeue", "--noheader", f"--jobs={array}").strip(), "the end of the array")
    seeds = [RunDirectory(folder / run).record["config"]["seed"] for run in ("0", "2")]
    assert seeds == [5, 7]
    assert all((folder / run / "policy").is_dir() for run in ("0", "2"))
    assert not (folder / "1" / "policy").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--num-cpus=80",), "the cluster refuses the job"),
        (("--num-nodes=9",), "the cluster refuses the job"),
        (("--partition=mian",), "unknown partition 'mian'; did you mean 'main'?"),
    ],
)
def test_what_the_cluster_can_not_do_is_said_at_once(
    arguments: tuple[str, ...], message: str, launches: Launches
) -> None:
    done = launches.run("launch", f"--dataset={launches.suite}", "--iter=1", "--eval-size=0", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert message in line
    assert not list(launches.runs.iterdir())


def test_two_jobs_on_one_node_do_not_see_each_other(launches: Launches, slurm_cluster: Path) -> None:
    together = ("--node=n1", "--env-runners=1", "--mail=somebody@example.org")
    folders = [launches.launch(*together, f"--iter={iterations}", seconds=0.02) for iterations in (1000, 8)]
    jobs = [launches.record(folder)["jobs"][0] for folder in folders]
    for folder in folders:
        launches.wait_for(folder, "iteration 1 ")
    assert [job_field(job, "JobState") for job in jobs] == ["RUNNING", "RUNNING"]
    assert launches.run("cancel", jobs[0]).returncode == 0
    for folder, job in zip(folders, jobs, strict=True):
        assert "1 nodes joined" in launches.log(folder)
        ended(job)
        nothing_left(folder, job)
    assert [job_field(job, "JobState") for job in jobs] == ["CANCELLED", "COMPLETED"]
    assert [row["iteration"] for row in RunDirectory.open(folders[1]).metrics()] == list(range(1, 9))
    mail = (slurm_cluster / "log" / "mail.log").read_text()
    assert f"Job_id={jobs[1]}" in mail and "somebody@example.org" in mail
