"""Tuners are compared on recorded landscapes without a compiler."""

from __future__ import annotations

from pathlib import Path

from eval.kernel_tuners.contest import contest
from eval.kernel_tuners.kernels import RecordedKernel
from eval.kernel_tuners.methods import METHODS
from eval.kernel_tuners.trials import Trials
from rllib_envs.kernel_tuning.factorizations import factorizations
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, TileKnob
from rllib_envs.kernel_tuning.landscape import Head, Row, gene_at

SPACE = GeneSpace((TileKnob("i", factorizations(16, 3)), TileKnob("j", factorizations(8, 2)), ChoiceKnob("u", (0, 16))))
FLOPS = 2e6


def recorded(path: Path) -> RecordedKernel:
    """A landscape in which every seventh gene fails."""
    head = Head("small", {}, SPACE, FLOPS, 100.0, "here", "llvm", "made up", "2026-01-31T23:59:59Z")
    rows = [
        Row(place, None, 0.0, "invalid") if place % 7 == 0 else Row(place, 1e-6 * (1 + place), 0.0, "ok")
        for place in range(SPACE.size)
    ]
    path.write_text("\n".join(line.to_line() for line in (head, *rows)) + "\n")
    return RecordedKernel(str(path))


def test_scores_are_what_was_recorded(tmp_path: Path) -> None:
    kernel = recorded(tmp_path / "small.jsonl")
    assert kernel.scores([gene_at(SPACE, 7), gene_at(SPACE, 1)]) == [0, FLOPS / 2e-6 / 1e9]


def test_every_tuner_finds_its_best_in_as_many_trials_as_it_has_genes(tmp_path: Path) -> None:
    kernel = recorded(tmp_path / "small.jsonl")
    methods = {name: METHODS[name] for name in ("random", "ga", "ga_uniform", "ga_dqn")}
    for result in contest([kernel], methods, range(1), Trials(count=SPACE.size, noise=0.0)):
        assert result.run.unique == SPACE.size
        assert [result.run.best[-1]] == kernel.scores([gene_at(SPACE, 1)])
