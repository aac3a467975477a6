"""A real SLURM that ends a job at its time limit, again and again. In a file of its own, for it takes minutes."""

from __future__ import annotations

import pytest

from models.store.run_directory import RunDirectory
from tests.devclusters import wait_until
from tests.launcher.jobs.conftest import Launches, ended, job_field, nothing_left

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm_cluster")]


def test_three_time_limits_in_one_run(launches: Launches) -> None:
    folder = launches.launch("--iter=100000", "--time=2", "--signal-delay=45", "--env-runners=1", seconds=0.005)
    (job,) = launches.record(folder)["jobs"]
    for attempt in range(1, 4):
        goes_on = f"attempt {attempt + 1} to go on"
        wait_until(lambda n=attempt: launches.log(folder).count("goes on after iteration") >= n, goes_on, 300.0)
    assert int(job_field(job, "Restarts")) >= 3
    assert launches.run("cancel", job).returncode == 0
    ended(job)
    rows = list(RunDirectory.open(folder).metrics())
    assert [row["iteration"] for row in rows] == list(range(1, len(rows) + 1))
    steps = [row["env_steps"] for row in rows]
    assert steps == sorted(steps) and len(set(steps)) == len(steps)
    assert [path.name for path in launches.runs.iterdir()] == [folder.name]
    nothing_left(folder, job)
