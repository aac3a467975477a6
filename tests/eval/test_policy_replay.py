"""A policy's episode, step by step: what it thought, what came of it, and whether the answer holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from eval.budget import Budget
from eval.replay import COMPLETE, LAST_STEP, STOPPED, replay
from eval.searches import make_search
from eval.searches.run import run_search
from eval.verification import AnswerFailed, verify
from models.player import Judgement
from rllib_envs.problem import STOP, Evaluation, PolicyInput
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv
from tests.conftest import matmul
from tests.eval.conftest import dials
from tests.eval.problems import TASK, FixedPolicy, Map
from tests.models.toy_policies import untrained

DIALS = dials(3, 4, 2)
KINDS = ["actor_critic", "q", "recurrent_q"]


class Valuing(FixedPolicy):
    """Expects the same of everything."""

    def __init__(self, weights: Sequence[float], value: float = 0.25) -> None:
        super().__init__(weights)
        self.value = value

    def judge(self, inputs: PolicyInput) -> Judgement:
        (probabilities,), _ = self.probabilities([inputs], [None])
        return Judgement(probabilities, self.value)


@pytest.fixture(params=["toy", "loop_nest"])
def case(request: pytest.FixtureRequest):
    """A problem and one of its benchmarks."""
    return (Toy(), DIALS) if request.param == "toy" else (request.getfixturevalue("loop_nest"), matmul(16, 16, 16))


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_is_what_the_policy_thinks_there(case, kind):
    problem, benchmark = case
    policy = untrained(kind, problem=problem)
    played = replay(policy, problem, benchmark, 8)
    env = TuningEnv(problem, [benchmark], horizon=8)
    inputs, _ = env.reset()
    player, over = policy.start(), False
    for step in played.steps:
        assert not over
        judged = player.judge(inputs)
        legal = {problem.actions[index] for index in np.flatnonzero(inputs["action_mask"])}
        chances = list(step.probabilities.values())
        assert step.probabilities.keys() == legal and chances == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1.0) and step.value == judged.value
        assert problem.actions[int(judged.probabilities.argmax())] == step.action
        inputs, _, terminated, truncated, _ = env.step(problem.actions.index(step.action))
        over = terminated or truncated
    assert over


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_episode_of_the_search(kind):
    policy = untrained(kind, seed=3)
    played = replay(policy, Toy(), DIALS, 12)
    found = run_search(make_search("policy", policy), Toy(), DIALS, Budget(evaluations=50), horizon=12)
    assert played.best == found.best
    values = [step.evaluation.value for step in played.steps if step.evaluation is not None]
    assert max([played.start.value, *values]) == found.claimed.value


def test_what_was_still_to_gain_is_the_return_from_there():
    played = replay(Valuing([0.1, 0.5, 0.2, 0.1]), Toy(), DIALS, 12)
    env = TuningEnv(Toy(), [DIALS], horizon=12)
    env.reset()
    rewards = [env.step(Toy.actions.index(step.action))[1] for step in played.steps]
    assert len([reward for reward in rewards if reward > 0]) == 3
    assert played.still_to_gain() == pytest.approx([sum(rewards[index:]) for index in range(len(rewards))])


def test_why_it_ended_is_said():
    ways = Map({"": 1.0, "a": 2.0, "a b": 3.0, "b": 0.5})
    assert replay(Valuing([0.6, 0.4]), ways, TASK, 8).ended == COMPLETE
    assert replay(Valuing([0.6, 0.4]), ways, TASK, 1).ended == LAST_STEP
    stopped = replay(Valuing([float(action == STOP) for action in Toy.actions]), Toy(), DIALS, 8)
    assert stopped.ended == STOPPED and [step.action for step in stopped.steps] == [STOP]
    assert stopped.steps[0].evaluation is None and stopped.best.actions == ()


def test_lower_values_are_gained_where_lower_is_better():
    played = replay(Valuing([0.6, 0.4]), Map({"": 9.0, "a": 4.0, "a b": 7.0}, higher_is_better=False), TASK, 8)
    assert played.still_to_gain() == [5.0, 0.0] and [len(played.best.actions), played.start.value] == [1, 9.0]


def test_what_does_not_count_is_neither_gained_nor_the_answer():
    class Breaking(Map):
        def evaluate(self, state):
            honest = super().evaluate(state)
            return Evaluation(99.0, "points", 1.0, error="wrong result") if state == ("a", "b") else honest

    played = replay(Valuing([0.6, 0.4]), Breaking({"": 1.0, "a": 2.0, "a b": 3.0}), TASK, 8)
    assert [step.evaluation.error for step in played.steps] == ["", "wrong result"]
    assert played.still_to_gain() == [1.0, 0.0] and played.best.state == ("a",)


def test_an_answer_is_verified_beside_the_untuned_state_and_the_baselines(loop_nest):
    benchmark = matmul(24, 16, 32)
    state = loop_nest.apply(loop_nest.initial(benchmark), loop_nest.actions.index("swap_down"))
    found = verify(loop_nest, benchmark, state)
    found.check()
    assert found.others.keys() == found.speedups().keys() == {"untuned", "numpy"}
    assert found.speedups()["numpy"] == found.answer.value / found.others["numpy"].value
    assert "% of the peak" in found.sentence() and "x numpy" in found.sentence()


def test_an_answer_slower_than_untuned_gives_way_to_it():
    class Other(Toy):
        lower = False

        def evaluate(self, state):
            honest = super().evaluate(state)
            start = state == self.initial(DIALS)
            return replace(honest, value=2.0 if start else 3.0, higher_is_better=not self.lower)

    toy = Other()
    state = toy.apply(toy.initial(DIALS), 0)
    assert not verify(toy, DIALS, state).slower
    toy.lower = True
    found = verify(toy, DIALS, state)
    assert found.slower and found.speedups() == {"untuned": 2 / 3}
    assert found.of_untuned().answer.value == 2.0 and found.of_untuned().speedups() == {"untuned": 1.0}
    assert not found.of_untuned().slower


def test_an_answer_that_fails_now_is_an_error():
    class Moody(Toy):
        asked = 0

        def evaluate(self, state):
            honest = super().evaluate(state)
            self.asked += 1
            return honest if self.asked < 3 else Evaluation(math.nan, "share", 1.0, error="crash")

    toy = Moody()
    found = verify(toy, DIALS, toy.initial(DIALS))
    with pytest.raises(AnswerFailed, match="failed when it was measured again: crash"):
        found.check()
