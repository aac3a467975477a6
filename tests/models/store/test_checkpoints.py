"""Which checkpoints are kept, and what is done about those that are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import Checkpoint
from models.store.atomic import NotWritten
from models.store.checkpoints import Checkpoints
from tests.models.checkpoints import example_checkpoint


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def write(checkpoints: Checkpoints, iteration: int, score: float = 0.0) -> Path:
    return checkpoints.write(iteration, example_checkpoint(iteration, score).write)


def names(checkpoints: Checkpoints) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_the_last_two_and_the_best_are_kept(checkpoints):
    assert checkpoints.last() is None and checkpoints.best() is None
    for iteration, score in ((1, 0.2), (2, 0.9), (3, 0.5), (4, 0.9), (5, 0.1), (6, 0.2), (7, 0.1)):
        write(checkpoints, iteration, score)
    assert checkpoints.last().name == "000007" and checkpoints.best().name == "000004"
    assert names(checkpoints) == ["000004", "000006", "000007"]


def test_a_second_one_of_the_same_iteration_is_newer(checkpoints):
    for _ in range(3):
        write(checkpoints, 9)
    assert names(checkpoints) == ["000009-2", "000009-3"] and checkpoints.last().name == "000009-3"
    write(checkpoints, 10)
    assert names(checkpoints) == ["000009-3", "000010"]


def test_a_million_iterations_are_still_in_order(checkpoints):
    for iteration in (999_999, 1_000_000):
        write(checkpoints, iteration)
    assert checkpoints.last().name == "1000000"


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


FILES = ["checkpoint.json", "learner.safetensors", "random.safetensors", "algorithm.safetensors", "manifest.json"]


@pytest.mark.parametrize("damage", [cut_off, change, Path.unlink])
@pytest.mark.parametrize("file", FILES)
def test_damage_is_named_and_the_one_before_is_taken(checkpoints, file, damage):
    if file == "manifest.json" and damage is not Path.unlink:
        damage = {cut_off: lambda path: path.write_text("{"), change: lambda path: path.write_text("{}")}[damage]
    whole, broken = write(checkpoints, 1), write(checkpoints, 2)
    damage(broken / file)
    chosen, wrong = checkpoints.last_whole()
    assert chosen == whole and len(wrong) == 1
    assert str(broken / file) in str(wrong[0])
    assert Checkpoint.read(chosen).counters.iteration == 1


def test_damaged_ones_do_not_count_as_the_last_two(checkpoints):
    for iteration in (1, 2):
        write(checkpoints, iteration)
    cut_off(checkpoints.folder / "000002" / "learner.safetensors")
    write(checkpoints, 3)
    assert {"000001", "000003"} <= set(names(checkpoints))


def test_going_on_from_an_earlier_one_sets_the_later_ones_aside(checkpoints):
    for iteration in (1, 2, 3):
        write(checkpoints, iteration, score=iteration == 1)
    cut_off(checkpoints.folder / "000003" / "learner.safetensors")
    start = checkpoints.folder / "000001"
    assert checkpoints.last_whole(start) == (start, [])
    checkpoints.set_aside_after(start)
    assert names(checkpoints) == ["000001", "000002.abandoned", "000003.damaged"]
    assert checkpoints.last() == start
    write(checkpoints, 2)
    assert checkpoints.last().name == "000002"


def test_a_checkpoint_comes_back_as_it_was(checkpoints):
    saved = example_checkpoint(7, score=0.25)
    read = Checkpoint.read(checkpoints.write(7, saved.write))
    for name in ("identity", "settings", "counters", "score"):
        assert getattr(read, name) == getattr(saved, name)
    assert read.algorithm["updates_due"] == 0.5
    for group in ("learner", "random", "algorithm"):
        before, after = getattr(saved, group), getattr(read, group)
        assert before.keys() == after.keys()
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
            assert np.asarray(after[name]).dtype == np.asarray(array).dtype


def test_without_room_nothing_is_lost(checkpoints, file_size_limit):
    write(checkpoints, 1)
    with file_size_limit(10_000), pytest.raises(NotWritten, match="000002 can't be written"):
        write(checkpoints, 2)
    assert names(checkpoints) == ["000001"]
    assert checkpoints.last_whole()[0].name == "000001"
