"""The same launches on a machine without SLURM."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.store.run_directory import RunDirectory
from tests.devclusters import processes_that_know, wait_until
from tests.launcher.jobs.conftest import Launches


@pytest.mark.slow
def test_a_launch_here_trains_and_is_listed(launches: Launches) -> None:
    folder = launches.launch("--local", "--iter=2", "--env-runners=0", "--wait")
    assert [row["iteration"] for row in RunDirectory.open(folder).metrics()] == [1, 2]
    (job,) = launches.record(folder)["jobs"]
    wait_until(lambda: not processes_that_know(folder), "all processes to end")
    assert f"{job}  COMPLETED  here" in launches.run("jobs").stdout
    assert "policy:" in launches.run("logs", folder).stdout


@pytest.mark.slow
def test_a_launch_here_can_be_cancelled(launches: Launches) -> None:
    folder = launches.launch("--local", "--iter=1000", "--env-runners=0", seconds=0.02)
    launches.wait_for(folder, "iteration 1")
    (job,) = launches.record(folder)["jobs"]
    assert launches.run("cancel", job).returncode == 0
    wait_until(lambda: not processes_that_know(folder), "all processes to end")
    assert RunDirectory.open(folder).last_checkpoint()
    assert f"{job}  CANCELLED  here" in launches.run("jobs").stdout
    refused = launches.run("launch", f"--resume={folder}", "--iter=2000", "--seed=5", "--local")
    assert refused.returncode == 2 and "seed was" in refused.stderr
    assert len(launches.record(folder)["jobs"]) == 1, "nothing was started"


def test_several_nodes_need_a_cluster(launches: Launches) -> None:
    done = launches.run("launch", f"--dataset={launches.suite}", "--iter=1", "--eval-size=0", "--local", "-n", "2")
    assert done.returncode == 3
    assert "--num-nodes is 2, and this machine is one" in done.stderr


def test_nothing_launched(launches: Launches, tmp_path: Path) -> None:
    assert "nothing was launched into" in launches.run("jobs").stdout
    done = launches.run("logs", "12345")
    assert done.returncode == 2 and "no job '12345' was launched" in done.stderr
