"""Decisions in many states at once are those in each of them."""

from __future__ import annotations

import numpy as np
import pytest

from models.decisions import act_in_all
from models.encoders.config import EncoderConfig
from rllib_envs.policy_input import policy_input
from rllib_envs.shipped_data import DATASETS
from rllib_envs.streaming_engine.lockstep import decode_with
from rllib_envs.streaming_engine.placement import task_of
from rllib_envs.streaming_engine.problem import StreamingEngine
from rllib_envs.suite import read_benchmark
from tests.models.toy_policies import untrained, walked_states

BENCHMARK = read_benchmark(DATASETS / "streaming_engine" / "vector_add.json")


@pytest.fixture(scope="module")
def problem() -> StreamingEngine:
    return StreamingEngine()


@pytest.mark.parametrize("kind", ["actor_critic", "q"])
def test_the_best_action_of_each(problem, kind):
    policy = untrained(kind, EncoderConfig("scorer", width=32), problem=problem)
    states = walked_states(problem, BENCHMARK, 40)
    actions = act_in_all(policy, states)
    for row in np.flatnonzero(states["action_mask"].any(axis=1)):
        assert actions[row] == policy.act({name: array[row] for name, array in states.items()})


@pytest.mark.parametrize("kind", ["actor_critic", "q"])
def test_draws_follow_what_the_policy_thinks(problem, kind):
    policy = untrained(kind, EncoderConfig("scorer", width=32), problem=problem)
    one = policy_input(problem, problem.apply(problem.initial(BENCHMARK), 0), 1.0)
    many = {name: np.repeat(array[None], 4000, axis=0) for name, array in one.items()}
    rng = np.random.default_rng(0)
    drawn = np.bincount(act_in_all(policy, many, rng), minlength=64) / 4000
    expected = np.bincount([policy.act(one, rng) for _ in range(4000)], minlength=64) / 4000
    assert (drawn[one["action_mask"] == 0] == 0).all()
    assert np.abs(drawn - expected).max() < 0.05


def test_a_policy_that_remembers_is_refused(problem):
    policy = untrained("recurrent_q", EncoderConfig("scorer", width=32), problem=problem)
    with pytest.raises(ValueError, match="one state after the other"):
        act_in_all(policy, walked_states(problem, BENCHMARK, 2))


def test_episodes_in_lockstep_are_the_policys_own(problem):
    """Greedy decoding, all at once and one decision after the other, ends in the same mapping."""
    policy = untrained("actor_critic", EncoderConfig("scorer", width=32), problem=problem)
    decoded = decode_with(problem, task_of(BENCHMARK), 3, lambda inputs: act_in_all(policy, inputs))
    state, step = problem.initial(BENCHMARK), 0
    while problem.legal(state).any():
        state = problem.apply(state, policy.act(policy_input(problem, state, 1 - step / problem.horizon)))
        step += 1
    assert state.finished and decoded.complete.all()
    assert {decoded.mapping(episode) for episode in range(3)} == {problem.answer(state)}
