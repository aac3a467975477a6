"""Whatever moment a process is killed at, a checkpoint is left that can be loaded."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

KILLS = 50


def test_a_loadable_checkpoint_survives_every_kill(tmp_path):
    command = [sys.executable, "-m", "tests.models.store.write_until_killed", str(tmp_path / "checkpoints"), str(KILLS)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    kills, halves = map(int, run.stdout.split())
    assert kills == KILLS
    assert halves >= KILLS // 10, "too few kills came in the middle of writing to prove anything"
