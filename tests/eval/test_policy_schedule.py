"""A policy as a scheduler of applications that share a stem."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.policy_schedule import schedule
from models.encoders.config import EncoderConfig
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.exact import solve
from rllib_envs.stem_sharing.generate import random_suite
from rllib_envs.stem_sharing.problem import StemSharing
from rllib_envs.stem_sharing.schedulers import SCHEDULERS
from rllib_envs.stem_sharing.task import Task, TooLittle
from tests.models.toy_policies import untrained
from tests.rllib_envs.stem_sharing.tasks import three_applications


@pytest.fixture(params=["actor_critic", "q"])
def policy(request: pytest.FixtureRequest) -> Policy:
    return untrained(request.param, EncoderConfig("scorer"), problem=StemSharing(), noise=0.1)


@pytest.mark.parametrize("benchmark_", list(random_suite([2, 5, 8], 2, 0, EventLength.CORRECTED)), ids=lambda b: b.name)
def test_answers_are_within_the_budget_and_between_greedy_and_optimal(policy, benchmark_) -> None:
    task = Task.from_benchmark(benchmark_)
    found = schedule(policy, task)
    assert task.affords(task.cost(found))
    assert solve(task).bound - 1e-6 <= task.loss(found) <= task.loss(SCHEDULERS["greedy"](task)) + 1e-9
    assert schedule(policy, task) == found


def test_more_episodes_are_never_worse(policy) -> None:
    for benchmark in random_suite([6], 3, 1, EventLength.CORRECTED):
        task = Task.from_benchmark(benchmark)
        losses = [task.loss(schedule(policy, task, episodes=count)) for count in (1, 32)]
        assert losses[1] <= losses[0]


def test_what_a_policy_cannot_schedule(policy) -> None:
    task = three_applications()
    with pytest.raises(UserError, match="policy for problem 'toy', not for 'stem_sharing'"):
        schedule(untrained("q"), task)
    with pytest.raises(UserError, match="need less: schedule them exactly"):
        schedule(policy, replace(task, rates=(0.5, 1.0)))
    with pytest.raises(TooLittle):
        schedule(policy, three_applications(budget=1.0))
