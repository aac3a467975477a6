"""The key of the environment goes nowhere: not into a file, a log, an argument or a child."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.launcher.tracking.conftest import Tracked
from tests.wandb_server import WandbServer

WATCH_S = 0.05


class Watch:
    """Looks at every process that the commands start, for as long as it runs."""

    def __init__(self, key: str, folder: Path) -> None:
        self.found: set[str] = set()
        self.seen: set[str] = set()
        self._key, self._folder = key.encode(), str(folder).encode()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(WATCH_S):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes()
                    environment = (process / "environ").read_bytes()
                except OSError:
                    continue
                if self._folder not in environment or int(process.name) == os.getpid():
                    continue
                name = command.replace(b"\0", b" ").decode(errors="replace")
                self.seen.add(name)
                # The command itself was given it; what a process was given can't be taken out of /proc.
                if self._key in command or (self._key in environment and "launcher.cli" not in name):
                    self.found.add(name)


@pytest.mark.slow
def test_no_command_passes_it_on(server: WandbServer, tracked: Tracked) -> None:
    key = server.api_key
    printed = ""
    with Watch(key, tracked.folder) as watch:
        run, out = tracked.train("--wandb=online", "--iter=2", "--env-runners=1")
        printed += out
        for command in (
            ("sync", run),
            ("jobs",),
            ("doctor",),
            ("records", run),
            ("launch", f"--dataset={tracked.suite}", "--iter=1", "--dry-run"),
            ("launch", f"--dataset={tracked.suite}", "--iter=1", "--eval-size=0", "--local", "--wait"),
            ("train", f"--dataset={tracked.suite}", "--iter=1", "--eval-size=0", "--sweep=2"),
        ):
            done = tracked.run(*command)
            printed += done.stdout + done.stderr
            assert done.returncode == 0, (command, done.stderr)
    assert any("mirror_process" in name for name in watch.seen) and any("wandb-core" in name for name in watch.seen)
    assert not watch.found
    assert key not in printed
    holding = [path for path in tracked.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert not holding
    assert all(key not in repr(run) for run in server.state.runs.values())
    artifacts = [artifact for versions in server.state.artifacts.values() for artifact in versions]
    assert not [name for artifact in artifacts for name, content in artifact.files.items() if key.encode() in content]
