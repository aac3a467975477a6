"""Random bounds leave a choice, and what a user would do without a search keeps them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.generate import random_bounds
from rllib_envs.network_scaling.problem import NetworkScaling, Scaled
from rllib_envs.network_scaling.rules import compound_places, optimum
from rllib_envs.suite import Suite
from tests.rllib_envs.network_scaling.scaled import DIGITS, TOY, benchmark


@pytest.fixture
def problem(tmp_path):
    return NetworkScaling(folder=str(tmp_path))


@pytest.fixture
def suite(tmp_path):
    return random_bounds(str(DIGITS), "raspberrypi", "cpu", 30, seed=3, folder=tmp_path)


def value(problem, task, place):
    return problem.evaluate(Scaled(task, place)).value


def test_bounds_leave_a_choice_and_are_spread_out(suite, problem):
    names = {one.name for one in suite}
    assert len(names) == len(suite) == 30
    tasks = [problem.initial(one).task for one in suite]
    choices = [sum(map(task.fits, task.surface.grid.places())) for task in tasks]
    assert min(choices) >= 2 and max(choices) > 30 and len(set(choices)) > 10
    for one, task in zip(suite, tasks, strict=True):
        gain = value(problem, task, optimum(task)) - value(problem, task, task.start)
        assert one.spec["scale"] == pytest.approx(max(1.0, gain), abs=1e-3)


def test_the_seed_and_the_number_decide(suite, tmp_path):
    again = random_bounds(str(DIGITS), "raspberrypi", "cpu", 5, seed=3, folder=tmp_path)
    assert again == suite[:5]
    other = random_bounds(str(DIGITS), "raspberrypi", "cpu", 5, seed=4, folder=tmp_path)
    assert not {one.name for one in other} & {one.name for one in suite}


def test_the_shipped_suite_is_what_the_generator_writes(tmp_path):
    shipped = Suite.load("network_scaling").benchmarks
    assert set(shipped) == set(random_bounds("fashion_mnist", "raspberrypi", "cpu", len(shipped), folder=tmp_path))


def test_the_optimum_is_the_best_that_fits(suite, problem):
    for one in suite:
        task = problem.initial(one).task
        best = max(value(problem, task, place) for place in task.surface.grid.places() if task.fits(place))
        assert problem.baselines()["optimum"](one).value == best
    assert problem.baselines()["optimum"](TOY).value == 1.0


def test_compound_scaling_keeps_the_bounds_and_gets_smaller(suite, problem):
    for one in [*suite, benchmark(100.0, 1000.0)]:
        task = problem.initial(one).task
        places = list(itertools.islice(compound_places(task), 10))
        assert all(map(task.fits, places)) and len(set(places)) == len(places)
        sizes = [np.sum(place) for place in places]
        assert sizes == sorted(sizes, reverse=True)
        rule = problem.baselines()["compound_scaling"](one)
        assert rule.value == value(problem, task, places[0] if places else task.start)
        assert rule.value <= problem.baselines()["optimum"](one).value
    task = problem.initial(benchmark(100.0, 1000.0)).task
    assert next(compound_places(task)) == (3, 1, 4)


def test_a_live_problem_does_not_claim_to_know_the_optimum(tmp_path):
    assert set(NetworkScaling(live=True, folder=str(tmp_path)).baselines()) == {"compound_scaling"}


def test_what_leaves_no_suite_is_refused(tmp_path):
    with pytest.raises(UserError, match="0 benchmarks are not possible"):
        random_bounds(str(DIGITS), "raspberrypi", "cpu", 0, folder=tmp_path)
    with pytest.raises(UserError, match="unknown platform"):
        random_bounds(str(DIGITS), "phone", "cpu", 1, folder=tmp_path)
