from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.exact import solve
from rllib_envs.stem_sharing.generate import random_suite
from rllib_envs.stem_sharing.greedy import greedy
from rllib_envs.stem_sharing.problem import MOST_APPS, StemSharing
from rllib_envs.stem_sharing.task import Task
from tests.rllib_envs.stem_sharing.tasks import three_applications

SUITE = tuple(random_suite((1, 3, 6), 2, seed=0, event_length=EventLength.CORRECTED))


def test_following_the_plan_is_the_greedy_schedule() -> None:
    problem = StemSharing()
    for benchmark in SUITE:
        task, state = Task.from_benchmark(benchmark), problem.initial(benchmark)
        expected = greedy(task)
        assert problem.answer(state) == expected
        while problem.legal(state).any():
            preferred = problem.observe(state).tokens[: len(problem.actions), 0]
            state = problem.apply(state, int(preferred.argmax()))
            assert problem.answer(state) == expected
        assert problem.evaluate(state).value == pytest.approx(task.loss(expected))


def test_every_walk_ends_with_a_schedule_within_the_budget() -> None:
    problem, rng = StemSharing(), np.random.default_rng(0)
    for benchmark in SUITE:
        task, state = Task.from_benchmark(benchmark), problem.initial(benchmark)
        bound, steps = solve(task).bound, 0
        while (legal := problem.legal(state)).any():
            state = problem.apply(state, int(rng.choice(np.flatnonzero(legal))))
            steps += 1
        assert steps == 2 * len(task.applications)
        assert problem.answer(state) == state.decided
        evaluation = problem.evaluate(state)
        assert evaluation.verified and evaluation.value >= bound - 1e-6


def test_many_states_of_a_turn_are_seen_as_each_of_them_is() -> None:
    (benchmark,), rng = random_suite([5], 1, 3, EventLength.CORRECTED), np.random.default_rng(0)
    together = StemSharing()
    states = [together.initial(benchmark)] * 6
    while not states[0].finished:
        seen = together.observe_batch(states)
        for state, *shown in zip(states, *seen, strict=True):
            alone = StemSharing()
            for one, other in zip(shown, alone.observe(state), strict=True):
                assert one.dtype == other.dtype and np.allclose(one, other, atol=1e-6)
            assert (together.legal(state) == alone.legal(state)).all()
            assert together.loss(state) == pytest.approx(alone.evaluate(state).value)
        states = [together.apply(state, int(rng.choice(together.legal(state).nonzero()[0]))) for state in states]


def test_baselines_answer_in_the_same_unit() -> None:
    problem, benchmark = StemSharing(), three_applications().to_benchmark("three")
    found = {name: baseline(benchmark) for name, baseline in problem.baselines().items()}
    assert found["exact"].value == pytest.approx(0.129046, abs=1e-6)
    assert found["exact"].value <= found["greedy"].value + 1e-6
    assert found["max_sharing"].value > found["exact"].value
    short_of_one_frame = problem.baselines()["max_sharing"](three_applications(44.0).to_benchmark("tight"))
    assert "too little" in short_of_one_frame.error and not short_of_one_frame.verified


def test_benchmarks_that_make_no_sense() -> None:
    problem, task = StemSharing(), three_applications()
    with pytest.raises(UserError, match="too little"):
        problem.initial(three_applications(budget=1.0).to_benchmark("poor"))
    spec = dict(task.to_benchmark("many").spec)
    app = spec["applications"][0]
    many = [{**app, "app_id": f"app_{index}"} for index in range(MOST_APPS + 1)]
    with pytest.raises(UserError, match=f"has {MOST_APPS + 1} applications"):
        problem.initial(Benchmark("many", "stem_sharing", {**spec, "applications": many}))
    with pytest.raises(UserError, match="did you mean 'budget'"):
        problem.initial(Benchmark("typo", "stem_sharing", {**spec, "budgt": 1}))
