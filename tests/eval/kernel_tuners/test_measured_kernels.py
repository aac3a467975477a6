"""Tuners are compared on kernels that are measured, and what was measured is kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.kernel_tuners.contest import contest
from eval.kernel_tuners.measured_kernels import ROUNDS, measured_kernels
from eval.kernel_tuners.methods import METHODS
from eval.kernel_tuners.trials import Trials
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.landscape import gene_at, read_rows
from rllib_envs.kernel_tuning.task import KernelTask

SIZES = {"m": 8, "n": 1, "k": 4}
SMALL = KernelTask.from_spec({"operator": "dense", "sizes": SIZES, "factors": [1, 4, 8]}).to_benchmark("small")
OTHER = KernelTask.from_spec({"operator": "dense", "sizes": SIZES, "factors": [1, 2, 4, 8]}).to_benchmark("small")


def test_nothing_is_measured_twice_and_a_contest_begun_anew_comes_to_the_same(tmp_path: Path) -> None:
    methods = {name: METHODS[name] for name in ("random", "ga_dqn")}
    curves = []
    for _ in range(2):
        with measured_kernels([SMALL], tmp_path) as kernels:
            trials = Trials(count=kernels[0].space.size, noise=0.0)
            curves.append([result.run.best.tolist() for result in contest(kernels, methods, range(2), trials)])
        _, rows = read_rows(tmp_path / "small.jsonl")
        assert sorted(row.place for row in rows) == list(range(trials.count))
    assert curves[0] == curves[1]


def test_answers_are_measured_anew_and_tuners_are_told_what_they_were_told_before(tmp_path: Path) -> None:
    def told() -> list[float]:
        with measured_kernels([SMALL], tmp_path) as (kernel,):
            return kernel.scores([gene_at(kernel.space, place) for place in range(4)])

    before = told()
    with measured_kernels([SMALL], tmp_path) as (kernel,):
        genes = [gene_at(kernel.space, place) for place in (1, 3, 1)]
        anew = kernel.measured_anew(genes)
    _, rows = read_rows(tmp_path / "small.jsonl")
    assert Counter(row.place for row in rows) == {0: 1, 1: 1 + ROUNDS, 2: 1, 3: 1 + ROUNDS}
    assert set(anew) == set(genes) and all(
        anew[gene] >= before[place] for gene, place in zip(genes, (1, 3), strict=False)
    )
    assert told() == before


def test_a_gene_that_is_asked_for_twice_at_once_has_one_speed(tmp_path: Path) -> None:
    with measured_kernels([SMALL], tmp_path) as (kernel,):
        gene, another = gene_at(kernel.space, 0), gene_at(kernel.space, 1)
        first, second, third = kernel.scores([gene, another, gene])
    assert first == third > 0 and second > 0
    with pytest.raises(UserError, match="begun with another spec"), measured_kernels([OTHER], tmp_path):
        pass
