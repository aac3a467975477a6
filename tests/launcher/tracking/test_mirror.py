"""A run at W&B is what its run directory is: while it trains, and after a sync."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from launcher.tracking.live_mirror import LiveMirror
from launcher.tracking.mirrored import Mirrored
from tests.launcher.tracking.conftest import Tracked
from tests.launcher.tracking.written_run import WrittenRun, impatient, mirror, same_checkpoint, same_curves
from tests.wandb_server import WandbServer, faults
from tests.wandb_server.messages import UPLOAD


def test_a_training_is_mirrored_as_it_goes(server: WandbServer, tracked: Tracked) -> None:
    run, printed = tracked.train("--wandb=online", "--iter=3", "--wandb-tags", "night", "--wandb-group=pairs")
    known, shown = Mirrored.of(run), mirror(server, run)
    assert f"Weights & Biases: {known.url}" in printed and known.complete
    same_curves(server, run)
    same_checkpoint(server, run)
    same_checkpoint(server, run, "iter-3")
    assert (shown.state, shown.group, shown.display_name) == ("finished", "pairs", run.name)
    assert shown.tags == ["night", "toy", "ppo"]
    assert shown.summary["iteration"] == 3 and shown.summary["env_steps"] >= 384
    record = json.loads((run / "run.json").read_text())
    assert shown.config["suite_hash"] == record["suite_hash"]
    (suite,) = server.state.used(shown)
    assert suite.metadata == {"hash": record["suite_hash"]}


def test_what_a_server_that_is_down_has_missed_is_brought_later_once(server: WandbServer, tracked: Tracked) -> None:
    with server.down():
        limits = {"WANDB_INIT_TIMEOUT": "2", "WANDB_FINISH_TIMEOUT": "8"}
        run, printed = tracked.train("--wandb=online", "--iter=2", **limits)
    assert (
        "the server is not reached" in printed
        and "lacks a part of the run" in printed
        and f"tunewright sync runs/{run.name}" in printed
    )
    assert not Mirrored.of(run).complete
    expired = tracked.run("sync", run, WANDB_API_KEY="0" * 40)
    assert expired.returncode == 4 and "1 of 1 runs are not complete there" in expired.stderr
    assert "the key is not accepted, perhaps it has expired; make a new one" in expired.stderr
    with server.faulty(faults.QUOTA_EXCEEDED, UPLOAD):
        full = tracked.run("sync", run)
    assert full.returncode == 4 and "the storage or the quota there is used up; delete runs" in full.stderr
    same_curves(server, run)
    for _ in range(2):
        done = tracked.run("sync", run)
        assert done.returncode == 0, done.stderr
        same_curves(server, run)
        same_checkpoint(server, run)
    assert len(server.state.logged(mirror(server, run))) == 1
    assert "nothing is waiting" in tracked.run("sync").stdout


def test_a_report_takes_no_iterations_place(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it comes when the curves are there already, it is shown without a row of its own."""
    for name, value in impatient(server, tmp_path, WANDB_FINISH_TIMEOUT="40").items():
        monkeypatch.setenv(name, value)
    written = WrittenRun(tmp_path / "run")
    for part in ("iterations", "a report", "iterations"):
        if part == "a report":
            written.report()
        else:
            written.iterate(2)
        with LiveMirror(written.path, server.api_key):
            pass
        assert written.known.complete
    same_curves(server, written.path)
    shown = mirror(server, written.path)
    assert {"evaluation/report", "evaluation/results"} <= shown.summary.keys() and shown.summary[
        "speedup/policy"
    ] == 1.5
    (report,) = [each for each in server.state.logged(shown) if each.type == "report"]
    assert report.files["results.csv"] == b"method,speedup\npolicy,1.5\n"


def test_offline_needs_no_key_and_no_network(server: WandbServer, tracked: Tracked) -> None:
    before = len(server.requests)
    run, printed = tracked.train("--wandb=offline", "--iter=2", WANDB_API_KEY="")
    assert len(server.requests) == before and f"later, by  tunewright sync runs/{run.name}" in printed
    assert tracked.run("sync").returncode == 0
    same_curves(server, run)
    same_checkpoint(server, run)


def test_without_a_key_a_line_says_so(tracked: Tracked) -> None:
    run, printed = tracked.train("--iter=1", WANDB_API_KEY="")
    assert "not shown at Weights & Biases, for there is no key; to change that, set WANDB_API_KEY" in printed
    assert Mirrored.of(run) is None
    refused = tracked.run("train", f"--dataset={tracked.suite}", "--wandb=online", WANDB_API_KEY="")
    assert refused.returncode == 2 and refused.stderr.startswith("error: --wandb online needs a key")


def test_a_run_that_goes_on_is_the_same_run_there(server: WandbServer, tracked: Tracked) -> None:
    run, _ = tracked.train("--wandb=online", "--iter=2")
    done = tracked.run("train", f"--resume={run}", "--wandb=online", "--iter=4", "--eval-size=0")
    assert done.returncode == 0, done.stderr
    same_curves(server, run)
    same_checkpoint(server, run)
    assert [artifact.version for artifact in server.state.logged(mirror(server, run))][-1] >= 1
