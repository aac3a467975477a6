"""Solvers of mapping tasks as baselines of a comparison."""

from __future__ import annotations

import pytest

from eval.baselines import Baselines, known_baselines
from eval.baselines.limits import TuningLimits
from eval.budget import Budget
from eval.compare import compare
from rllib_envs.errors import UserError
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite


@pytest.fixture
def problem():
    return make_problem("streaming_engine")


def test_they_are_known_by_name(problem):
    assert known_baselines(problem) == ["list_scheduling", "annealing_solver", "cp_sat", "cma_es_solver"]
    assert Baselines.parse("", problem).names == ("list_scheduling", "annealing_solver")
    with pytest.raises(UserError, match="unknown baseline of streaming_engine 'numpy'"):
        Baselines.parse("numpy", problem)


def test_a_comparison_sets_answers_in_proportion_to_theirs(problem):
    (benchmark,) = (one for one in Suite.load("streaming_engine").benchmarks if one.name == "mul_add")
    chosen = Baselines.parse("annealing_solver,cp_sat", problem, TuningLimits(solver_seconds=3.0))(problem)
    comparison = compare(problem, [benchmark], ["greedy1"], Budget(evaluations=60), baselines=chosen)
    found = {row.method: row for row in comparison.rows}
    assert "proven" in found["cp_sat"].how and "no mapping takes fewer than 9" in found["annealing_solver"].how
    assert found["annealing_solver"].value == found["cp_sat"].value == 10 and comparison.unit == "cycles"
    assert found["greedy1"].ratios["cp_sat"] == found["cp_sat"].value / found["greedy1"].value


def test_infeasible_is_a_row_with_the_rules(problem):
    (benchmark,) = Suite.load("streaming_engine_infeasible").benchmarks
    for name in ("annealing_solver", "cp_sat"):
        evaluation = Baselines((name,), TuningLimits(solver_seconds=5.0))(problem)[name](benchmark)
        assert not evaluation.verified and "infeasible: tile_memory + sibling" in evaluation.error
