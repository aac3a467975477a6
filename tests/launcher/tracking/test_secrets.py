"""The key of the environment goes nowhere: not into a file, a log, an argument or a child."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from launcher.cli import NAMES
from launcher.tracking.mirrored import Mirrored
from tests.conftest import ROOT
from tests.key_watch import KeyWatch, files_with
from tests.launcher.tracking.conftest import Tracked
from tests.wandb_server import WandbServer

ONE_AFTER_ANOTHER = """
import json, os, sys
from launcher.cli import main

key = os.environ["WANDB_API_KEY"]
for command in json.loads(sys.argv[1]):
    os.environ["WANDB_API_KEY"] = key
    try:
        main(command)
    except SystemExit as ended:
        assert not ended.code, command
"""
"""As many processes would be given it, but without starting Python as often."""


@pytest.mark.slow
def test_no_command_passes_it_on(server: WandbServer, tracked: Tracked) -> None:
    """Here it is in netrc as well, from where jobs and sweeps have it."""
    key = server.api_key
    netrc = Path(tracked.environment["NETRC"])
    netrc.parent.mkdir()
    netrc.write_text(f"machine {server.url.removeprefix('http://')} login user password {key}\n")
    netrc.chmod(0o600)
    suite, short = f"--dataset={tracked.suite}", ("--iter=1", "--eval-size=0")
    few = ("--trainer-settings", "batch_steps=128", "epochs=1")
    with KeyWatch(key, tracked.folder, given="launcher.cli") as watch:
        run, printed = tracked.train("--wandb=online", "--iter=2", "--env-runners=1")
        trainings = (
            ("launch", suite, *short, "--local", "--wait", "--no-snapshot", *few),
            ("train", suite, *short, "--sweep=2", *few),
        )
        for command in trainings:
            done = tracked.run(*command)
            printed += done.stdout + done.stderr
            assert done.returncode == 0, (command, done.stderr)
        (job,) = (line.split()[2] for line in printed.splitlines() if line.startswith("started: job"))
        others = (
            ("launch", suite, *short, "--dry-run"),
            ("launch", suite, *short, "--wandb=offline", "--jobs=2", "--dry-run"),
            ("launch", suite, *short, f"--wandb_url=lab/tunewright/{Mirrored.of(run).id}", "--iter=3", "--dry-run"),
            ("jobs",),
            ("logs", job),
            ("cancel", job),
            ("sync", str(run)),
            ("sync",),
            ("dashboard",),
            ("records", str(run)),
            ("doctor",),
            ("tune", str(tracked.suite / "toy0.json"), "--policy", str(run)),
            ("replay", str(run), f"--bench={tracked.suite / 'toy0.json'}"),
            ("compare", suite, "--policy", str(run), "--size=1", "--timeout=0.05", "--searches=policy"),
            ("export", str(run)),
        )
        assert {command[0] for command in (*trainings, *others)} == set(NAMES), "a command is not looked at"
        done = subprocess.run(
            [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(others)],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tracked.folder,
            env={**tracked.environment, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": matplotlib.get_configdir()},
        )
        assert done.returncode == 0, done.stderr
        printed += done.stdout + done.stderr
    (sweep,) = tracked.folder.glob("runs/*-sweep-*")
    for swept in sweep.glob("*/"):
        assert watch.saw(f"mirror_process {swept} ") and Mirrored.of(swept).complete
        assert server.run(f"lab/tunewright/{Mirrored.of(swept).id}").group == sweep.name
    for child in ("mirror_process", "wandb-core", "submitit", "raylet"):
        assert watch.saw(child), f"no {child} was looked at"
    assert not watch.found
    assert key not in printed
    assert files_with(key, tracked.folder) == [netrc]
    state = server.state
    assert all(key not in repr(each) for each in (*state.runs.values(), *state.views.values()))
    artifacts = [artifact for versions in state.artifacts.values() for artifact in versions]
    assert not [name for artifact in artifacts for name, content in artifact.files.items() if key.encode() in content]
