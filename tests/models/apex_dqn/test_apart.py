"""Ape-X in processes of its own: it learns without waiting, and goes on when one of them is killed."""

from __future__ import annotations

import os
import signal
import time
from itertools import pairwise

import numpy as np
import pytest
import ray

from models.apex_dqn.algorithm import NoProgress
from models.apex_dqn.env_runner import epsilon_ladder
from models.runners.outcomes import EnvError
from tests.models.apex_dqn.conftest import small

MOST_ITERATIONS = 400
"""Enough for a runner to come back: it takes about 30."""

pytestmark = pytest.mark.usefixtures("shared_ray")


def runners_of(algorithm):
    """Of each runner its process, epsilons, number of shards, and version of the weights."""
    # A function of this module could not be found by the runners.
    return algorithm.env_runner_group.foreach_env_runner(
        lambda runner: (os.getpid(), runner._epsilons.tolist(), len(runner._shards), runner._played_with[0]),
        local_env_runner=False,
    )


def process_of(shard) -> int:
    """Its process, once it has one: Ray says so while it starts it again."""
    while True:
        try:
            return ray.get(shard.pid.remote())
        except ray.exceptions.ActorUnavailableError:
            time.sleep(0.1)


def test_everything_is_connected(build):
    algorithm = build(small(runners=2))
    for iteration in range(MOST_ITERATIONS):
        result = algorithm.train()
        figures = result["apex_dqn"]
        if iteration >= 5 and figures["replay_age_steps"]:  # what it learns from was not played just now
            break
    totals = algorithm._meter.totals
    assert totals.updates > 0 and totals.weights_version > 1
    assert totals.env_steps == result["env_runners"]["num_env_steps_sampled_lifetime"]
    assert all(np.isfinite(value) for value in figures.values())
    assert 0 < figures["replay_size"] <= totals.env_steps and figures["replay_age_steps"] > 0
    assert 0 <= figures["learner_idle_share"] <= 1 and figures["lost_samples"] == 0
    epsilons = [epsilon for _, row, *_ in runners_of(algorithm) for epsilon in row]
    np.testing.assert_allclose(epsilons, epsilon_ladder(4, 0.4, 7.0), rtol=1e-6)


def test_a_runner_that_is_killed_comes_back_as_it_was(build):
    algorithm = build(small(runners=2))
    algorithm.train()
    victim, epsilons, shards, version = runners_of(algorithm)[1]
    os.kill(victim, signal.SIGKILL)
    steps = []
    for _ in range(MOST_ITERATIONS):
        result = algorithm.train()
        steps.append(result["env_runners"]["num_env_steps_sampled_lifetime"])
        healthy = algorithm.env_runner_group.num_healthy_remote_workers()
        restarts = result["fault_tolerance"]["num_remote_worker_restarts"]
        if restarts and healthy == 2:
            break
    assert restarts == 1 and healthy == 2
    assert all(later > earlier for earlier, later in pairwise(steps)), "training went on"
    for _ in range(3):
        algorithm.train()
    back = runners_of(algorithm)[1]
    assert back[0] != victim and back[1] == epsilons and back[2] == shards == 2
    assert back[3] > version, "it has the present weights"


def test_a_shard_that_is_killed_starts_empty_and_training_goes_on(build):
    algorithm = build(small(runners=1, training_intensity=None))
    for _ in range(3):
        algorithm.train()
    shard = algorithm._shards.actors[0]
    victim, updates = process_of(shard), algorithm._meter.totals.updates
    size = algorithm._shards.drawn[0].size
    os.kill(victim, signal.SIGKILL)

    def forgotten() -> int:
        """Steps played that the shard did not hold when it was asked last."""
        return algorithm._meter.totals.env_steps - algorithm._shards.drawn[0].size

    for _ in range(MOST_ITERATIONS):
        figures = algorithm.train()["apex_dqn"]
        if figures["lost_samples"] and forgotten() >= size:
            break
    assert figures["lost_samples"] >= 1
    assert forgotten() >= size, "it is asked again, and holds what came since"
    assert process_of(shard) != victim
    assert algorithm._meter.totals.updates > updates


def test_silence_is_an_error(build):
    """A runner that can't be started again: nothing is played, and the little that was learnt from is used up."""
    config = small(runners=1, no_progress_timeout_s=1.0, training_intensity=0.5)
    algorithm = build(config.fault_tolerance(restart_failed_env_runners=True, max_num_env_runner_restarts=0))
    algorithm.train()
    os.kill(runners_of(algorithm)[0][0], signal.SIGKILL)
    with pytest.raises(NoProgress, match="0 of 1 environment runners answer"):
        for _ in range(MOST_ITERATIONS):
            algorithm.train()


def test_a_learner_of_its_own_learns_and_hands_out_weights(build):
    algorithm = build(small(runners=1, training_intensity=4.0).learners(num_learners=1))
    for _ in range(10):
        figures = algorithm.train()["apex_dqn"]
    totals = algorithm._meter.totals
    assert totals.updates > 0 and totals.weights_version > 2
    assert 0 <= totals.trained - 32 * totals.updates <= 32 * 2 * algorithm.config.max_requests_in_flight_per_learner
    assert figures["stale_priority_writes"] >= 0
    priorities = ray.get([shard.arrays.remote() for shard in algorithm._shards.actors])[0]["priorities"]
    assert len(np.unique(priorities)) > len(priorities) / 2


def test_a_replay_can_be_spread_over_other_shards(build):
    algorithm = build(small(runners=1, store_buffer_in_checkpoints=True, num_replay_shards=2))
    for _ in range(2):
        algorithm.train()
    state = algorithm.training_state()
    algorithm.stop()
    other = build(small(runners=1, store_buffer_in_checkpoints=True, num_replay_shards=3))
    other.set_training_state(state)
    assert sorted(other.training_state()["replay/priorities"]) == sorted(state["replay/priorities"])
    sizes = [len(part["actions"]) for part in ray.get([shard.arrays.remote() for shard in other._shards.actors])]
    assert max(sizes) - min(sizes) <= 1


def test_an_environment_that_raises_ends_training_with_its_error(build):
    import gymnasium

    class Broken(gymnasium.Env):
        observation_space, action_space = gymnasium.spaces.Box(-1, 1, (3,)), gymnasium.spaces.Discrete(2)

        def __init__(self, config):
            self.steps = 0

        def reset(self, *, seed=None, options=None):
            return np.zeros(3, np.float32), {}

        def step(self, action):
            self.steps += 1
            if self.steps > 30:
                raise ZeroDivisionError("the dial came off")
            return np.zeros(3, np.float32), 0.0, False, False, {}

    algorithm = build(small(runners=1).environment(Broken))
    with pytest.raises(EnvError, match="runner 1: ZeroDivisionError: the dial came off"):
        for _ in range(MOST_ITERATIONS):
            algorithm.train()
