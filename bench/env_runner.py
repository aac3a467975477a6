"""What the environment runner costs, and how well it waits for slow environments. Takes about a minute.

python bench/env_runner.py

Costs are processor time of this process for a step of CartPole with RLlib's default DQN network, as a share of what
RLlib's own runner takes; both are measured in turns. Waiting: 16 environments that sleep for exponential times of 5 ms
on average, as a share of what 16 that never wait for anything else would play.
"""

from __future__ import annotations

import logging
import statistics
import time

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from report import Bar, report

from models.runners.env_factory import IN_PROCESSES
from models.runners.pool_runner import PoolEnvRunner

MEAN_SECONDS = 5e-3
WAITING_ENVS = 16
WAITING_STEPS = 12_000
ROUND_STEPS = 800
ROUNDS = 5


class Sleeper(gymnasium.Env):
    """Its steps take as long as whatever it would wait for."""

    observation_space = spaces.Box(-1, 1, (4,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, config) -> None:
        self.rng = np.random.default_rng(config.vector_index)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(4, np.float32), {}

    def step(self, action):
        time.sleep(self.rng.exponential(MEAN_SECONDS))
        self.steps += 1
        return np.zeros(4, np.float32), 0.0, self.steps >= 50, False, {}


def runner(kind, env, count, processes=False):
    config = DQNConfig().environment(env, env_config={IN_PROCESSES: True} if processes else {})
    config.training(epsilon=0.1, train_batch_size_per_learner=64, num_atoms=1)
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=count, rollout_fragment_length=50)
    made = kind(config=config.debugging(seed=0, log_level="ERROR"), worker_index=0)
    made.sample(num_timesteps=10 * count)
    return made


def cost(made) -> float:
    """Processor microseconds of one step."""
    began = time.process_time()
    steps = 0
    while steps < ROUND_STEPS:
        steps += sum(map(len, made.sample()))
        made.get_metrics()
    return (time.process_time() - began) / steps * 1e6


def compare(count: int) -> tuple[float, float]:
    """Medians over the rounds: microseconds of ours, and their ratio to RLlib's."""
    ours, theirs = (runner(kind, "CartPole-v1", count) for kind in (PoolEnvRunner, SingleAgentEnvRunner))
    pairs = [(cost(ours), cost(theirs)) for _ in range(ROUNDS)]
    ours.stop()
    theirs.stop()
    return statistics.median(a for a, _ in pairs), statistics.median(a / b for a, b in pairs)


def share_of_ideal() -> float:
    made = runner(PoolEnvRunner, Sleeper, WAITING_ENVS, processes=True)
    began = time.perf_counter()
    played = sum(map(len, made.sample(num_timesteps=WAITING_STEPS)))
    seconds = time.perf_counter() - began
    made.stop()
    return played / seconds / (WAITING_ENVS / MEAN_SECONDS)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    single, single_ratio = compare(1)
    several, several_ratio = compare(8)
    print(f"ours: {single:.0f} us a step with 1 environment, {several:.0f} us with 8")
    report(
        "env_runner",
        {
            "uneven 5 ms steps, 16 environments": Bar(share_of_ideal(), 0.75, "of ideal"),
            "processor time a step, 1 environment": Bar(single_ratio, 0.5, "of RLlib's", at_least=False),
            "processor time a step, 8 environments": Bar(several_ratio, 0.5, "of RLlib's", at_least=False),
        },
    )
