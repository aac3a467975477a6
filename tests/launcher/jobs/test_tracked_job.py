"""Jobs on a real SLURM that are mirrored at W&B with the key that their nodes find, and with no other."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path

import pytest

from launcher.jobs.watch import progress_of
from launcher.tracking.mirrored import Mirrored
from tests.devclusters import output, wait_until
from tests.key_watch import KeyWatch, files_with
from tests.launcher.jobs.conftest import TUNEWRIGHT, Launches
from tests.wandb_server import WandbServer


def gone(job: str) -> None:
    array = job.partition("_")[0]
    wait_until(lambda: not output("squeue", "--noheader", f"--jobs={array}").strip(), f"the end of {array}", 300.0)


@pytest.mark.slow
def test_a_job_is_one_run_through_requeues_and_the_next_goes_on_with_it(
    launches: Launches, slurm_cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an accepted key in netrc, and another in the environment, which no job may have."""
    canary = secrets.token_hex(20)
    with WandbServer() as server, KeyWatch(canary, tmp_path, given=str(TUNEWRIGHT)) as watch:
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine {server.url.removeprefix('http://')} login user password {server.api_key}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.delenv("WANDB_API_KEY", raising=False)
        with monkeypatch.context() as given:
            given.setenv("WANDB_API_KEY", canary)
            folder = launches.launch("--jobs=2", "--iter=3", "--env-runners=0", "--wandb=online", seconds=0.01)
        job = launches.record(folder)["jobs"][0]
        wait_until(lambda: progress_of(folder / "0") != ("", ""), "its first iteration", 300.0)
        subprocess.run(["scancel", "--signal=USR2", job], check=True)
        launches.wait_for(folder, "queued again: its time is up")
        gone(job)
        for element in ("0", "1"):
            known = Mirrored.of(folder / element)
            run = server.run(f"{known.entity}/{known.project}/{known.id}")
            assert known.complete and run.state == "finished"
            assert [row["_step"] for row in run.history] == [1, 2, 3]
            assert (run.group, run.display_name) == (folder.name, f"{folder.name}/{element}")
        assert len(server.state.runs) == 2 and "goes on after iteration" in launches.log(folder)

        elsewhere = Launches(launches.suite, tmp_path / "elsewhere" / "runs")
        elsewhere.runs.mkdir(parents=True)
        place = f"{known.entity}/{known.project}/{known.id}"
        fetched = elsewhere.launch(f"--wandb_url={place}", "--iter=4", "--env-runners=0", "--wandb=online")
        (job,) = elsewhere.record(fetched)["jobs"]
        script = output("scontrol", "write", "batch_script", job, "-")
        gone(job)
        assert [row["_step"] for row in server.run(place).history] == [1, 2, 3, 4]
        assert len(server.state.runs) == 2
    assert watch.saw("mirror_process") and watch.saw("wandb-core") and not watch.found
    for key in (canary, server.api_key):
        assert key not in script
        assert files_with(key, tmp_path) == ([netrc] if key == server.api_key else [])
        assert not files_with(key, slurm_cluster)
        assert key not in json.dumps([vars(run) for run in server.state.runs.values()], default=str)
