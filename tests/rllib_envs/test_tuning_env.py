"""The environment: rewards, episode ends, benchmark order, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.suite import Suite
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv

NEXT, RAISE, LOWER, STOP = range(4)


def env_of(*targets, **options):
    return TuningEnv(Toy(), [Benchmark(f"toy{i}", "toy", {"targets": t}) for i, t in enumerate(targets)], **options)


def test_the_return_is_the_gain_of_the_best_state():
    env = env_of([2])
    env.reset()
    rewards = [env.step(action)[1] for action in (RAISE, RAISE, RAISE, LOWER, LOWER)]
    assert rewards == pytest.approx([1 / 7, 1 / 7, 0, 0, 0])
    assert env.best.value == 1.0 and env.best_state.positions == (2,)


def test_stop_terminates_and_the_horizon_truncates():
    env = env_of([5], horizon=3)
    env.reset()
    assert env.step(STOP)[2:4] == (True, False)
    env.reset()
    assert [env.step(RAISE)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]


def test_steps_left_counts_down():
    env = env_of([5], horizon=4)
    seen = [env.reset()[0]["globals"][-1], *(env.step(RAISE)[0]["globals"][-1] for _ in range(4))]
    assert seen == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_benchmarks_come_once_a_round_in_a_seeded_order():
    def order(seed):
        env = env_of(*([i % 8] for i in range(10)), seed=seed)
        return [env.reset()[1]["benchmark"] for _ in range(20)]

    first = order(1)
    assert sorted(first[:10]) == sorted(first[10:]) == sorted(f"toy{i}" for i in range(10))
    assert order(1) == first != order(2)


def test_a_named_benchmark_can_be_asked_for():
    env = env_of([1], [2])
    assert env.reset(options={"benchmark": "toy1"})[1]["benchmark"] == "toy1"
    with pytest.raises(UserError, match="toy9"):
        env.reset(options={"benchmark": "toy9"})


def test_an_illegal_action_is_an_error():
    env = env_of([1])
    env.reset()
    with pytest.raises(IllegalAction, match="lower"):
        env.step(LOWER)
    with pytest.raises(IllegalAction, match="not one of"):
        env.step(-1)


class Failing(Toy):
    """Every candidate but the start fails, and reports a tempting value."""

    def evaluate(self, state):
        if any(state.positions):
            return Evaluation(value=100.0, unit="share", scale=1.0, error="crashed")
        return super().evaluate(state)


def test_what_was_not_verified_earns_nothing():
    env = TuningEnv(Failing(), [Benchmark("toy", "toy", {"targets": [3]})])
    env.reset()
    _, reward, _, _, info = env.step(RAISE)
    assert reward == 0 and info["error"] == "crashed" and env.best_state.positions == (0,)


def test_states_are_evaluated_once():
    env = env_of([3])
    env.reset()
    for action in (RAISE, LOWER, RAISE, LOWER):
        env.step(action)
    assert env.evaluate.misses == 2


def test_from_config_uses_the_split_and_the_worker_index(toy_suite):
    class Context(dict):
        worker_index, vector_index = 2, 1

    config = {"problem": "toy", "suite": str(toy_suite), "split": "test", "horizon": 5}
    env = TuningEnv.from_config(config)
    assert env.benchmarks == Suite.load(toy_suite).split()[1].benchmarks and env.horizon == 5
    config["split"] = "all"
    orders = [
        [e.reset()[1]["benchmark"] for _ in range(12)] for e in map(TuningEnv.from_config, (config, Context(config)))
    ]
    assert orders[0] != orders[1]


def test_render_shows_the_state_and_the_best():
    env = env_of([2, 4])
    env.reset()
    env.step(RAISE)
    assert "step 1/16" in env.render() and "dial at 1, best 2" in env.render()


def test_observations_are_in_their_space():
    env = env_of([2, 4, 6])
    observation, _ = env.reset()
    assert env.observation_space.contains(observation)
    assert observation["action_mask"].dtype == np.int8


@pytest.mark.parametrize("options", [{"horizon": 0}, {"benchmarks": []}])
def test_senseless_settings_are_refused(options):
    benchmarks = options.pop("benchmarks", [Benchmark("toy", "toy", {"targets": [3]})])
    with pytest.raises(UserError):
        TuningEnv(Toy(), benchmarks, **options)
