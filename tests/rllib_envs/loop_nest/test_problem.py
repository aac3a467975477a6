"""The choice of what compiles the schedules, as the loop-nest problem offers it."""

from __future__ import annotations

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.backends import AUTO, usable_backends
from rllib_envs.loop_nest.problem import LoopNest
from rllib_envs.problem import Benchmark

PRODUCT = Benchmark("mm16", "loop_nest", {"kind": "mm", "sizes": {"m": 16, "n": 16, "k": 16}})


@pytest.mark.parametrize("backend", usable_backends()[1:])
def test_backend_is_part_of_the_configuration_and_of_the_records(backend):
    problem = LoopNest(backend=backend)
    try:
        assert problem.config["backend"] == backend
        measured = problem.evaluate(problem.initial(PRODUCT))
        assert measured.verified and "clock-normalised samples by the " in measured.how
        assert f", {backend}" in problem.measured_on()
    finally:
        problem.close()


def test_automatic_choice_is_not_part_of_the_configuration():
    assert "backend" not in LoopNest().config
    if len(usable_backends()) > 1:
        assert LoopNest().measured_on() == LoopNest(backend=usable_backends()[1]).measured_on()
    assert LoopNest(backend=AUTO).config == LoopNest().config


def test_unknown_backend():
    with pytest.raises(UserError, match="unknown loop-nest backend"):
        LoopNest(backend="gcc")
