"""Fixtures that several parts of the tests use."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models import shipped
from rllib_envs.loop_nest import LoopNest
from rllib_envs.problem import Benchmark
from tests.devclusters import devcluster

ROOT = Path(__file__).parent.parent


def matmul(m: int, n: int, k: int) -> Benchmark:
    return Benchmark(f"mm{m}_{n}_{k}", "loop_nest", {"kind": "mm", "sizes": {"m": m, "n": n, "k": k}})


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command does in this process must not depend on which policies come with the package.

    Tests of those have a fixture of this name that does nothing.
    """
    monkeypatch.setattr(shipped, "PRETRAINED", ROOT / "nothing")


@pytest.fixture(scope="session")
def loop_nest():
    """One loop-nest problem with every action, and so one measuring process, for the whole run."""
    problem = LoopNest(actions="full")
    yield problem
    problem.close()


@pytest.fixture
def toy_suite(tmp_path: Path) -> Path:
    """A folder of twelve toy benchmarks."""
    folder = tmp_path / "toy_suite"
    folder.mkdir()
    for index in range(12):
        targets = [(3 * index + 2) % 8, (5 * index + 1) % 8][: 1 + index % 2]
        benchmark = Benchmark(f"toy{index}", "toy", {"targets": targets})
        (folder / f"toy{index}.json").write_text(benchmark.to_json())
    return folder


@pytest.fixture
def file_size_limit():
    """A context in which this process can write no larger file: to a program the same as a disk that is full."""

    @contextmanager
    def limit(size: int):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Path]:
    """The folder of a cluster of three nodes with 4 CPUs and 2 GPUs each, which SLURM's programs talk to by default."""
    folder = Path(tempfile.mkdtemp(prefix="tws-", dir="/tmp"))
    start = devcluster("start", "--gpus", "2", "--memory", "8000", "--dir", folder)
    assert start.returncode == 0, start.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PATH", str(folder / "bin"), prepend=":")
        yield folder
        stop = devcluster("stop", "--dir", folder)
    assert stop.returncode == 0, stop.stderr
