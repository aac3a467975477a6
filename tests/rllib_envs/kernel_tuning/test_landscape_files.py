"""A landscape comes back as it was written, whole; what is missing or damaged is said."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.landscape import LANDSCAPES, Head, Landscape, Row, gene_at, index_of
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.suite import Suite

SPACE = GeneSpace(
    (
        TileKnob("tile", ((8, 1), (4, 2), (2, 4))),
        ChoiceKnob("unroll", (0.0, 16.0)),
        LocationKnob("place", (-1, 0, 2)),
    )
)
HEAD = Head("kernel", {"operator": "dense"}, SPACE, 2e6, 100.0, "a processor", "a target", "somehow", "2026-01-31")
ROWS = [
    Row(i, None, 0.0, "invalid") if i % 5 == 0 else Row(i, (i + 1) * 1e-6, 0.01 * i, "ok") for i in range(SPACE.size)
]


def write(path: Path, rows, head=HEAD, end="\n") -> Path:
    path.write_text("\n".join([head.to_line(), *(row.to_line() for row in rows)]) + end)
    return path


def test_rows_in_any_order_come_back_with_their_genes(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(SPACE.size)
    landscape = Landscape.load(write(tmp_path / "hills.jsonl", [ROWS[i] for i in order]))
    assert landscape.name == "hills" and landscape.head == HEAD
    for row in ROWS:
        gene = gene_at(SPACE, row.place)
        assert index_of(SPACE, gene) == row.place
        assert landscape.time_of(gene) == row.seconds
        assert landscape.gflops_of(gene) == pytest.approx(0 if row.seconds is None else 2e-3 / row.seconds)
    assert landscape.best_seconds == 2e-6 and landscape.best_gflops == pytest.approx(1000)
    assert math.isnan(landscape.seconds[5]) and landscape.status[5] == "invalid"
    with pytest.raises(UserError, match="knob 'unroll' has the choices 0 to 1"):
        landscape.time_of((0, 2, 0))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lacks 2 of 18 genes"):
        Landscape.load(write(tmp_path / "part.jsonl", ROWS[:-2]))
    with pytest.raises(UserError, match="lacks 1 of 18 genes"):  # the last line has no end: its writer was killed
        Landscape.load(write(tmp_path / "torn.jsonl", ROWS, end=""))
    failed = [Row(row.place, None, 0.0, "crash") for row in ROWS]
    with pytest.raises(UserError, match="no gene that is a working kernel"):
        Landscape.load(write(tmp_path / "flat.jsonl", failed))
    with pytest.raises(UserError, match="unknown landscape 'nowhere'"):
        Landscape.load("nowhere")


def test_the_fastest_of_several_rows_counts(tmp_path: Path) -> None:
    more = [ROWS[1]._replace(seconds=5e-7), ROWS[2]._replace(seconds=1.0), Row(3, None, 0.0, "timeout")]
    landscape = Landscape.load(write(tmp_path / "again.jsonl", [*ROWS, *more]))
    assert landscape.seconds[1:4].tolist() == [5e-7, 3e-6, 4e-6] and landscape.status[3] == "ok"


@pytest.mark.parametrize(
    "line", ["nonsense", "[1, 2]", '[99, 1e-6, 0, "ok"]', '[1, null, 0, "ok"]', '[1, -1, 0, "ok"]']
)
def test_a_damaged_row_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "damaged.jsonl", ROWS)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UserError, match="line 20: "):
        Landscape.load(path)


@pytest.mark.parametrize("head", ["", "{}", "[]", '{"landscape": 2}', HEAD.to_line()[:-9]])
def test_a_file_of_something_else_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "other.jsonl").write_text(head)
    with pytest.raises(UserError, match="is no landscape"):
        Landscape.load(tmp_path / "other.jsonl")


def test_shipped_landscapes_are_whole_and_of_shipped_kernels() -> None:
    kernels = {one.name: KernelTask.from_benchmark(one) for one in Suite.load("kernel_landscapes").benchmarks}
    names = [path.stem for path in LANDSCAPES.glob("*.jsonl")]
    assert names
    for name in names:
        landscape = Landscape.load(name)
        task = kernels[landscape.head.benchmark]
        assert KernelTask.from_spec(landscape.head.spec) == task and landscape.head.flops == task.flops
        working = landscape.seconds[~np.isnan(landscape.seconds)]
        assert len(working) > 0.9 * landscape.space.size
        assert 0 < landscape.best_gflops < 1.2 * landscape.head.peak_gflops
        assert np.median(working) > 2 * landscape.best_seconds, "a landscape without relief compares nothing"
