"""What is left of a node's Ray, however the process that owns it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.devclusters import wait_until

OWNER = """
import os, signal, sys
from pathlib import Path
from launcher.cluster.allocation import Allocation
from launcher.cluster.ray_node import RayNode
token = Path("token").absolute()
token.touch()
node = RayNode(Allocation("70.0", 0, 1, "local", 1, 0, 0), "127.0.0.1", Path("ray.log"), others=[token])
(node.folder / "session" / "logs").mkdir(parents=True)
print(node.folder, flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["token.unlink(); node.stop(); node.stop()", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(1)"]
)
def test_its_folder_goes(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_TMP", "/tmp")
    ended = subprocess.run([sys.executable, "-c", OWNER.format(end=end)], capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout.startswith("/tmp/tw70-0-"), ended.stderr
    wait_until(lambda: not Path(ended.stdout.strip()).exists(), "the folder to go", 10.0)
    wait_until(lambda: not (tmp_path / "token").exists(), "the token to go", 10.0)
    assert not ended.stderr
