"""Synthetic landscapes have the shape that they are there for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rllib_envs.kernel_tuning.gene_space import TileKnob
from rllib_envs.kernel_tuning.synthetic import PEAK, TASKS, SyntheticTask, dense


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_speeds_are_plausible_repeat_and_are_hard_to_hit_at_random(task: SyntheticTask) -> None:
    rng = np.random.default_rng(0)
    genes = [task.space.random(rng) for _ in range(300)]
    speeds = task.scores(genes)
    assert speeds == task.scores(genes)
    assert all(0 <= speed < 1.6 * PEAK for speed in speeds)
    assert np.median(speeds) < max(speeds) / 2
    assert task.name.startswith("synthetic_")


def test_a_tile_in_registers_is_faster_than_none() -> None:
    task = dense(128, 128, 128)
    i, j, k, *_ = task.space.knobs
    assert isinstance(i, TileKnob) and isinstance(j, TileKnob) and isinstance(k, TileKnob)
    tiled = (i.factors.index((4, 1, 4, 8)), j.factors.index((2, 1, 2, 32)), k.factors.index((8, 16)), 3, 2)
    plain = (i.factors.index((128, 1, 1, 1)), j.factors.index((128, 1, 1, 1)), k.factors.index((128, 1)), 0, 2)
    assert task.score(tiled) > 5 * task.score(plain)


def test_what_would_unroll_without_end_fails() -> None:
    task = dense(512, 1024, 256)
    i, j, k, *_ = task.space.knobs
    assert isinstance(i, TileKnob) and isinstance(j, TileKnob) and isinstance(k, TileKnob)
    huge = (i.factors.index((1, 1, 8, 64)), j.factors.index((1, 1, 16, 64)), k.factors.index((4, 64)), 3, 0)
    assert task.score(huge) == 0


def test_the_space_is_metaschedules() -> None:
    space = dense(128, 128, 128).space
    assert [knob.name for knob in space.knobs] == ["i", "j", "k", "unroll", "write_back"]
    assert space.choices[:3] == (119, 119, 7)
    assert space.size == math.prod(space.choices)
