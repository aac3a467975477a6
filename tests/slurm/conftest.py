"""A real SLURM for the tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devclusters import devcluster


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A name for a cluster's folder; those of `tmp_path` are too long for sockets. Whatever runs in it is stopped."""
    parent = Path(tempfile.mkdtemp(prefix="tws-", dir="/tmp"))
    yield parent / "c"
    devcluster("stop", "--dir", parent / "c")
    shutil.rmtree(parent)
