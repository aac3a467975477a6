"""Small Ape-X algorithms on CartPole, which both terminates and truncates and has plain observations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.apex_dqn import ApexDQN, ApexDQNConfig


def small(runners: int, **training: Any) -> ApexDQNConfig:
    settings = {
        "train_batch_size_per_learner": 32,
        "batches_per_sample": 2,
        "num_steps_sampled_before_learning_starts": 200,
        "broadcast_interval": 4,
        "target_update_interval": 20,
    }
    return (
        ApexDQNConfig()
        .environment("CartPole-v1")
        .env_runners(num_env_runners=runners, num_envs_per_env_runner=2, rollout_fragment_length=20)
        .training(**(settings | training))
        .reporting(min_sample_timesteps_per_iteration=200)
        .fault_tolerance(delay_between_env_runner_restarts_s=0.1)
        .debugging(seed=3, log_level="ERROR", log_sys_usage=False)
    )


@pytest.fixture
def build(shared_ray: None) -> Iterator[Callable[..., ApexDQN]]:
    """Builds algorithms and stops them after the test."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    built = []

    def build(config: ApexDQNConfig) -> ApexDQN:
        built.append(config.build_algo())
        return built[-1]

    yield build
    for algorithm in built:
        algorithm.stop()
        # RLlib makes an empty folder in the home directory.
        shutil.rmtree(algorithm.logdir, ignore_errors=True)
    torch.set_num_threads(threads)
