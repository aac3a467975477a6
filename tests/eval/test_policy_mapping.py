"""A policy as a solver of mapping tasks."""

from __future__ import annotations

import numpy as np
import pytest

from eval.policy_mapping import solve
from models.encoders.config import EncoderConfig
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.registry import make_problem
from rllib_envs.streaming_engine import annealing
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import feasible_task
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.models.toy_policies import untrained


@pytest.fixture(scope="module")
def policy() -> Policy:
    """One that has learnt nothing: it decides about as list scheduling does."""
    encoder = EncoderConfig("scorer", width=8, layers=1)
    return untrained("actor_critic", encoder, problem=make_problem("streaming_engine"), noise=0.0)


@pytest.fixture(scope="module")
def task() -> Task:
    return feasible_task("layered", 16, Device(), Rules(), np.random.default_rng(2))


def test_sampling_is_no_worse_than_the_best_decisions_and_every_answer_holds(policy, task):
    found = [solve(policy, task, 60, np.random.default_rng(0), episodes=count) for count in (1, 20, 60)]
    assert [one.evaluations for one in found] == [1, 20, 60]
    assert min(found[1].makespan, found[2].makespan) < found[0].makespan
    assert max(found[1].makespan, found[2].makespan) <= found[0].makespan
    for one in found:
        assert evaluate(task, one.mapping).makespan == one.makespan >= one.lower_bound


def test_polishing_makes_it_no_worse(policy, task):
    greedy = solve(policy, task, 60, np.random.default_rng(0), episodes=1)
    polished = solve(policy, task, 1.0, np.random.default_rng(0), polish=True)
    assert evaluate(task, polished.mapping).makespan == polished.makespan <= greedy.makespan
    sampled = solve(policy, task, 60, np.random.default_rng(0), episodes=30)
    others = annealing.solve(task, 60, np.random.default_rng(0), others=[sampled.mapping], mappings=300)
    assert others.makespan <= sampled.makespan


def test_what_is_seen_to_be_infeasible_is_said_at_once(policy):
    (benchmark,) = Suite.load("streaming_engine_infeasible").benchmarks
    solved = solve(policy, Task.from_benchmark(benchmark), 60, np.random.default_rng(0))
    assert solved.infeasible and solved.conflicts


def test_another_policy_and_a_larger_device_are_refused(policy, task):
    with pytest.raises(UserError, match="set max_tiles to 65"):
        solve(policy, Task(task.graph, Device(1, 65, 6)), 1, np.random.default_rng(0))
    with pytest.raises(UserError, match="policy for problem 'toy'"):
        solve(untrained("actor_critic"), task, 1, np.random.default_rng(0))
