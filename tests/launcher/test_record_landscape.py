"""Several processes measure at once, and a landscape that was interrupted is gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from launcher.record_landscape import main
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.landscape import Landscape, gene_at, read_rows
from rllib_envs.kernel_tuning.recording import record_landscape
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.problem import Benchmark

SMALL = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 8, "n": 1, "k": 4}, "factors": [1, 4, 8]})
BENCHMARK = SMALL.to_benchmark("small")


@pytest.fixture(scope="module")
def crew():
    with MeasuringCrew(workers=2) as made:
        yield made


def test_answers_come_in_the_order_of_the_genes(crew: MeasuringCrew) -> None:
    space = crew.open(SMALL).space
    genes = [space.random(np.random.default_rng(seed)) for seed in range(8)]
    measured = crew.measure(SMALL, genes)
    assert [one.canonical for one in measured] == genes == crew.canonical(SMALL, genes)
    assert {one.status for one in measured} == {"ok"}
    processes = {one._child._process.pid for one in crew._measurers if one._child is not None}
    assert len(processes) == 2


def test_a_fault_of_the_caller_is_raised_and_the_crew_goes_on(crew: MeasuringCrew) -> None:
    with pytest.raises(UserError, match="a gene of this kernel has 3 choices"):
        crew.measure(SMALL, [(99,)])
    assert crew.measure(SMALL, [gene_at(crew.open(SMALL).space, 0)])[0].status == "ok"


def test_landscapes_are_gone_on_with(crew: MeasuringCrew, tmp_path: Path) -> None:
    path, said = tmp_path / "small.jsonl", []
    record_landscape(BENCHMARK, path, crew, 1, lambda done, total: said.append((done, total)))
    size = crew.open(SMALL).space.size
    whole = path.read_text()
    assert said[-1] == (size, size) and whole.count("\n") == 1 + size
    complete = Landscape.load(path)
    assert complete.space == crew.open(SMALL).space and set(complete.status) == {"ok"}
    assert complete.head.spec == BENCHMARK.spec and complete.best_gflops < complete.head.peak_gflops * 1.2

    half = whole[: int(0.6 * len(whole))]
    path.write_text(half)
    record_landscape(BENCHMARK, path, crew, 2, lambda *_: None)
    _, rows = read_rows(path)
    assert len(rows) == 2 * size and path.read_text().startswith(half[: half.rfind("\n") + 1])
    assert Landscape.load(path).head == complete.head

    other = Benchmark("other", "kernel_tuning", {**SMALL.to_spec(), "factors": [1, 2, 4, 8]})
    with pytest.raises(UserError, match="was begun with another spec; record into another file"):
        record_landscape(other, path, crew, 1, lambda *_: None)


def test_spaces_that_are_too_large_are_refused(crew: MeasuringCrew, tmp_path: Path) -> None:
    large = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 128, "n": 128, "k": 128}}).to_benchmark("large")
    with pytest.raises(UserError, match="396,508 genes, and a landscape at most 100,000"):
        record_landscape(large, tmp_path / "large.jsonl", crew, 1, lambda *_: None)
    assert not (tmp_path / "large.jsonl").exists()


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--benchmark", str(tmp_path / "none.json"), "--out", str(tmp_path / "out.jsonl")])
    assert end.value.code == 2 and "none.json does not exist" in capsys.readouterr().err
