"""Commands on a file system without room: one line, and nothing half made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launcher.jobs.conftest import TUNEWRIGHT


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that can hold names, but next to no content."""
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    (place / "filler").write_bytes(bytes(60 << 10))
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("command", [("launch", "--local"), ("launch", "--local", "--no-snapshot"), ("train",)])
def test_it_is_said_in_one_line(command: tuple[str, ...], full: Path, toy_suite: Path) -> None:
    options = (f"--dataset={toy_suite}", f"--runs={full / 'runs'}", "--iter=1", "--eval-size=0", "--env-runners=0")
    done = subprocess.run([TUNEWRIGHT, *command, *options, "--wandb=off"], capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line and "make room" in line
    assert not list((full / "runs").iterdir())
