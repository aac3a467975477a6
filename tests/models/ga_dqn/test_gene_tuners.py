"""What holds for every tuner of genes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from models.ga_dqn.knowledge import read_state, write_state
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, TileKnob
from tests.models.ga_dqn.tuners import ALL, BUDGET, OURS, TASK, play

SMALL = GeneSpace((TileKnob("i", ((4, 1), (2, 2), (1, 4))), ChoiceKnob("a", (0, 1, 2)), ChoiceKnob("b", (0, 1, 2, 3))))


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_genes_and_another_seed_others(name: str) -> None:
    first, again, other = (play(ALL[name](TASK.space, seed), BUDGET) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", ALL)
def test_every_gene_is_one_of_the_space(name: str) -> None:
    for gene in play(ALL[name](TASK.space, 0), BUDGET):
        TASK.space.check(gene)


@pytest.mark.parametrize("name", OURS)
def test_no_gene_is_asked_for_twice(name: str) -> None:
    asked = play(OURS[name](TASK.space, 1), 2 * BUDGET)
    assert len(asked) == len(set(asked)) == 2 * BUDGET


@pytest.mark.parametrize("name", OURS)
def test_a_small_space_is_used_up_and_no_more(name: str) -> None:
    tuner = OURS[name](SMALL, 0)
    asked: list[tuple[int, ...]] = []
    while genes := tuner.ask(5):
        tuner.tell(genes, [0.0 if sum(gene) % 3 == 0 else 1.0 + sum(gene) for gene in genes])
        asked += genes
    assert sorted(asked) == sorted(set(asked)) and len(asked) == SMALL.size


def test_all_begin_with_the_same_random_genes() -> None:
    begins = {name: make(TASK.space, 7).ask(16) for name, make in OURS.items()}
    assert all(genes == begins["random"] for genes in begins.values())


@pytest.mark.parametrize("name", ALL)
def test_it_goes_on_from_its_saved_state_as_if_nothing_had_been(name: str, tmp_path: Path) -> None:
    straight = ALL[name](TASK.space, 5)
    play(straight, 64)
    write_state(tmp_path / "state", straight.state())
    resumed = ALL[name](TASK.space, 5)
    resumed.restore(read_state(tmp_path / "state"))
    assert play(resumed, 32) == play(straight, 32)
    assert resumed.scores == straight.scores


@pytest.mark.parametrize("name", OURS)
def test_where_everything_fails_it_goes_on_with_new_genes(name: str) -> None:
    tuner = OURS[name](TASK.space, 0)
    for _ in range(6):
        genes = tuner.ask(8)
        assert len(genes) == 8
        tuner.tell(genes, [0.0] * 8)
    assert len(set(tuner.genes)) == 48


def test_earlier_records_can_be_told() -> None:
    tuner = OURS["ga_dqn"](TASK.space, 0)
    told = play(OURS["random"](TASK.space, 9), 40)
    tuner.tell(told, TASK.scores(told))
    assert not set(tuner.ask(40)) & set(told)


@pytest.mark.parametrize("score", [math.nan, math.inf, -1.0])
def test_what_is_no_speed_is_refused(score: float) -> None:
    tuner = OURS["genetic"](TASK.space, 0)
    with pytest.raises(UserError, match="give its speed"):
        tuner.tell(tuner.ask(1), [score])


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tuner\.json does not exist"):
        read_state(tmp_path)
    write_state(tmp_path / "state", OURS["ga_dqn"](TASK.space, 0).state())
    path = tmp_path / "state" / "tuner.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="damaged"):
        read_state(tmp_path / "state")
