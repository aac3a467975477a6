"""Launching real trainings of the toy, small enough for two cores."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.devclusters import output, processes_that_know, wait_until

TUNEWRIGHT = Path(sys.executable).with_name("tunewright")


class Launches:
    """`tunewright launch` and its companions, on a suite of the toy and in a folder of runs of their own."""

    def __init__(self, suite: Path, runs: Path) -> None:
        self.suite, self.runs = suite, runs

    def run(self, command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "RLLIB_NUM_GPUS": "0", "LOOP_TOOL_ROOT": ""}
        return subprocess.run(
            [str(TUNEWRIGHT), command, *map(str, arguments), f"--runs={self.runs}"],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
        )

    def launch(self, *arguments: object, seconds: float = 0.0) -> Path:
        """Launch a training, and return its folder. An evaluation takes `seconds`."""
        if seconds:
            for path in self.suite.glob("*.json"):
                content = json.loads(path.read_text())
                content["spec"]["seconds"] = seconds
                path.write_text(json.dumps(content))
        training = (f"--dataset={self.suite}", "--eval-size=0", "--trainer-settings", "batch_steps=256")
        before = set(self.runs.glob("*"))
        done = self.run("launch", *training, "--num-cpus=2", "--mem=3000M", *arguments)
        assert done.returncode == 0, done.stderr
        (folder,) = set(self.runs.glob("*")) - before
        return folder

    def record(self, folder: Path) -> dict[str, Any]:
        return json.loads((folder / "job" / "launch.json").read_text())

    def log(self, folder: Path, kind: str = "out") -> str:
        """Of all attempts at all elements on the first node."""
        return "".join(path.read_text() for path in sorted((folder / "job").glob(f"*_0_log.{kind}")))

    def wait_for(self, folder: Path, text: str, patience_s: float = 300.0) -> None:
        try:
            wait_until(lambda: text in self.log(folder), f"{text!r} in the log of {folder}", patience_s)
        except AssertionError as error:
            record = self.record(folder)
            numbers = [] if record["local"] else record["jobs"]
            jobs = "".join(output("scontrol", "show", "job", "-o", job) for job in numbers)
            raise AssertionError(f"{error}\n{jobs}\n{self.log(folder)}\n{self.log(folder, 'err')}") from None


def job_field(job: str, name: str) -> str:
    """What the controller has of a job."""
    return re.search(rf" {name}=(\S+)", output("scontrol", "show", "job", "-o", job))[1]


def ended(job: str) -> None:
    states = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL")
    wait_until(lambda: job_field(job, "JobState") in states, f"the end of job {job}", 300.0)


def nothing_left(folder: Path, job: str, lost_rank: int | None = None) -> None:
    """No process of the launch, no folder of its Ray, and no token. A node that is lost can't remove its folder."""
    for left in Path("/tmp").glob(f"tw{job}-{lost_rank}-*"):
        shutil.rmtree(left)
    wait_until(lambda: not processes_that_know(folder), f"{processes_that_know(folder)} to end")
    wait_until(lambda: not list(Path("/tmp").glob(f"tw{job}-*")), "the folders of its Ray to go")
    wait_until(lambda: not list((folder / "job").glob(".ray-*")), "the token to go")


@pytest.fixture
def launches(toy_suite: Path, tmp_path: Path) -> Launches:
    runs = tmp_path / "runs"
    runs.mkdir()
    return Launches(toy_suite, runs)
