"""A server of W&B for a module's tests, and trainings of the toy that know it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.wandb_server import WandbServer

COMMAND = [sys.executable, "-m", "launcher.cli"]
PATIENCE_S = 240


@pytest.fixture(scope="module")
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server
        assert not server.unknown


@dataclass(frozen=True)
class Tracked:
    """Commands in a folder of their own, with an account at the server."""

    folder: Path
    suite: Path
    environment: Mapping[str, str]

    @contextmanager
    def running(self, *arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """A command that is killed at the end of the block, if it goes on for so long."""
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(ROOT), **environment},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.running(*arguments, **environment) as process:
            printed, wrong = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, printed, wrong)

    def train(self, *arguments: object, **environment: str) -> tuple[Path, str]:
        """A training of a few iterations: its run directory, and what was printed."""
        before = set(self.folder.glob("runs/*"))
        settings = ("--eval-size=0", "--trainer-settings", "batch_steps=128", "epochs=1")
        done = self.run("train", f"--dataset={self.suite}", *arguments, *settings, **environment)
        assert done.returncode == 0, done.stderr
        (run,) = set(self.folder.glob("runs/*")) - before
        return run, done.stdout


def account(server: WandbServer, folder: Path, suite: Path) -> Tracked:
    """One of the server's, on a machine of its own."""
    environment = {**server.environment(folder / "client"), "LOOP_TOOL_ROOT": "", "HOME": str(folder)}
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ARTIFACT_DIR"):
        del environment[name]  # ours to decide
    return Tracked(folder, suite, environment)


@pytest.fixture
def tracked(server: WandbServer, toy_suite: Path, tmp_path: Path) -> Tracked:
    return account(server, tmp_path, toy_suite)
