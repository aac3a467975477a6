"""A real SLURM for the tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.devclusters import devcluster


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A name for a cluster's folder; those of `tmp_path` are too long for sockets. Whatever runs in it is stopped."""
    parent = Path(tempfile.mkdtemp(prefix="tws-", dir="/tmp"))
    yield parent / "c"
    devcluster("stop", "--dir", parent / "c")
    shutil.rmtree(parent)


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Path]:
    """The folder of a cluster of three nodes with 4 CPUs and 2 GPUs each, which SLURM's programs talk to by default."""
    folder = Path(tempfile.mkdtemp(prefix="tws-", dir="/tmp"))
    start = devcluster("start", "--gpus", "2", "--dir", folder)
    assert start.returncode == 0, start.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PATH", str(folder / "bin"), prepend=":")
        yield folder
        stop = devcluster("stop", "--dir", folder)
    assert stop.returncode == 0, stop.stderr
