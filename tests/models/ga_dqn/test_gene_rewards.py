"""Rewards have the sign and the scale that they should."""

from __future__ import annotations

import itertools

import pytest

from models.ga_dqn.rewards import CLIP, FAILURE, REWARDS, Scored, reward_of

SPEEDS = (0.5, 1.0, 2.0, 3.0, 5.0, 9.0)


def scored(child: float, scale: float = 1.0) -> Scored:
    return Scored(*(scale * speed for speed in (child, 2.5, 4.0, 1.5, 2.2)))


@pytest.mark.parametrize("name", REWARDS)
def test_faster_never_earns_less(name: str) -> None:
    earned = [reward_of(name, scored(speed)) for speed in SPEEDS]
    assert all(one <= other for one, other in itertools.pairwise(earned))
    assert earned[-1] > earned[0]


@pytest.mark.parametrize("name", REWARDS)
def test_failing_earns_no_more_than_the_slowest_kernel(name: str) -> None:
    assert reward_of(name, scored(0.0)) == FAILURE <= reward_of(name, scored(1e-6))


@pytest.mark.parametrize("name", REWARDS)
def test_the_unit_of_speed_does_not_matter_and_all_is_about_one(name: str) -> None:
    for speed in SPEEDS:
        assert reward_of(name, scored(speed, 1000)) == pytest.approx(reward_of(name, scored(speed)))
        assert -CLIP <= reward_of(name, scored(speed, 1000)) <= CLIP + 1


def test_a_new_best_earns_more() -> None:
    assert reward_of("log_ratio", Scored(5.0, 4.0, 4.9, 1.0, 1.0)) == pytest.approx(
        reward_of("log_ratio", Scored(5.0, 4.0, 5.1, 1.0, 1.0)) + 1
    )
    assert reward_of("published_r2", scored(3.9)) == 0
