"""Nodes that die under a training over two of them, and allocations that end before it: it goes on, and how."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.store.run_directory import RunDirectory
from tests.devclusters import devcluster, output, wait_until
from tests.launcher.jobs.conftest import Launches, ended, job_field, nothing_left

pytestmark = pytest.mark.slow

TWO_NODES = ("--num-nodes=2", "--env-runners=2")


@pytest.fixture
def kill_node(slurm_cluster: Path) -> Iterator[list[str]]:
    """Nodes to kill are added to this list by `lose`; all are brought back at the end."""
    killed: list[str] = []
    yield killed
    for node in killed:
        back = devcluster("start-node", node, "--dir", slurm_cluster)
        assert back.returncode == 0, back.stderr


def lose(node: str, killed: list[str], cluster: Path) -> None:
    killed.append(node)
    assert devcluster("kill-node", node, "--dir", cluster).returncode == 0


def nodes_of(job: str) -> list[str]:
    """The head first."""
    return output("scontrol", "show", "hostnames", job_field(job, "NodeList")).split()


def iterations(folder: Path) -> list[int]:
    return [row["iteration"] for row in RunDirectory.open(folder).metrics()]


def raylets_of(job: str, node: str) -> list[int]:
    """Their process numbers. Another cluster on this host may have a node of the same name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        ours = {f"SLURMD_NODENAME={node}".encode(), f"SLURM_JOB_ID={job}".encode()} <= set(environment.split(b"\0"))
        if b"/raylet/raylet\0" in command and ours:
            found.append(int(process.name))
    return found


def test_training_goes_on_when_ray_dies_on_a_worker_and_when_the_worker_is_lost(
    launches: Launches, slurm_cluster: Path, kill_node: list[str]
) -> None:
    folder = launches.launch(*TWO_NODES, "--iter=1000", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 2")
    head, worker = nodes_of(job)
    (raylet,) = raylets_of(job, worker)
    os.kill(raylet, signal.SIGKILL)
    wait_until(lambda: set(raylets_of(job, worker)) - {raylet}, "Ray to join again")
    reached = iterations(folder)[-1]
    wait_until(lambda: iterations(folder)[-1] > reached + 2, "training to go on")

    lose(worker, kill_node, slurm_cluster)
    reached = iterations(folder)[-1]
    wait_until(lambda: job_field(job, "NodeList") == head, "SLURM to give the node up")
    wait_until(lambda: iterations(folder)[-1] > reached + 4, "training to go on")
    assert job_field(job, "Restarts") == "0" and "queued again" not in launches.log(folder)
    assert iterations(folder) == sorted(iterations(folder))
    assert launches.run("cancel", job).returncode == 0
    ended(job)
    nothing_left(folder, job, lost_rank=1)


def go_on_and_end(launches: Launches, folder: Path, job: str) -> None:
    """Wait until a job that was queued again has got ahead, and cancel it. No iteration is missing, none was twice."""
    launches.wait_for(folder, "goes on after iteration")
    reached = iterations(folder)[-1]
    wait_until(lambda: iterations(folder)[-1] > reached + 1, "training to go on")
    assert launches.run("cancel", job).returncode == 0
    ended(job)
    assert job_field(job, "Restarts") == "1"
    assert (done := iterations(folder)) == list(range(1, len(done) + 1))


def test_a_job_whose_head_is_lost_goes_on_elsewhere(
    launches: Launches, slurm_cluster: Path, kill_node: list[str]
) -> None:
    folder = launches.launch(*TWO_NODES, "--iter=1000", "--save-minutes=0.01", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 3")
    lose(nodes_of(job)[0], kill_node, slurm_cluster)
    wait_until(lambda: job_field(job, "Restarts") == "1", "the job to be queued again")
    go_on_and_end(launches, folder, job)
    nothing_left(folder, job, lost_rank=0)


def test_a_job_that_makes_room_for_another_goes_on_afterwards(launches: Launches, slurm_cluster: Path) -> None:
    folder = launches.launch("--partition=low", *TWO_NODES, "--iter=1000", "--signal-delay=1", seconds=0.02)
    (job,) = launches.record(folder)["jobs"]
    launches.wait_for(folder, "iteration 1")
    whole = ("--partition=high", "--nodes=3", "--exclusive", "--wrap=sleep 3")
    high = output("sbatch", "--parsable", "--output=/dev/null", *whole).strip()
    launches.wait_for(folder, "queued again: its time is up")
    wait_until(lambda: job_field(high, "JobState") == "COMPLETED", "the other to have had its turn")
    go_on_and_end(launches, folder, job)
    nothing_left(folder, job)
