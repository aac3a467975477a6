"""How Ape-X scales over environment runners, and whether its learner is kept busy.

The environment sleeps 5 ms a step, and each runner has one; the network is what trainers use by default. Throughput:
environment steps/s of 16 runners over that of 1, the learner bounded to half a transition a step, so that two
processors suffice for everything else. Idle share: the time in which the learner could have learnt and didn't, with 16
runners and no bound, once the replay is full enough.
Both are measured for --seconds after a warm-up, in runs with a Ray of their own. Takes about 3 minutes.

python bench/apex_scaling.py [--seconds 20]
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import time

import gymnasium
import numpy as np
import torch
from report import Bar, report

from rllib_envs.problem import ObservationSpec

STEP_SECONDS = 0.005
RUNNERS = 16
ITERATION_SECONDS = 5.0
WARM_UP_STEPS = 500
HORIZON = 10
ACTIONS = 4
SPEC = ObservationSpec(max_tokens=1, token_features=8, global_features=0)


class Sleeping(gymnasium.Env):
    """One token of eight numbers, four actions, ten steps; every step takes 5 ms and no processor."""

    def __init__(self, config=None):
        self.observation_space = gymnasium.spaces.Dict(
            {
                "tokens": gymnasium.spaces.Box(-1, 1, (SPEC.max_tokens, SPEC.token_features), np.float32),
                "token_mask": gymnasium.spaces.Box(0, 1, (SPEC.max_tokens,), np.int8),
                "globals": gymnasium.spaces.Box(0, 1, (SPEC.global_features + 1,), np.float32),
                "action_mask": gymnasium.spaces.Box(0, 1, (ACTIONS,), np.int8),
            }
        )
        self.action_space = gymnasium.spaces.Discrete(ACTIONS)
        self._step = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._step = 0
        return self._observation(), {}

    def step(self, action):
        time.sleep(STEP_SECONDS)
        self._step += 1
        return self._observation(), float(action == self._step % ACTIONS), self._step == HORIZON, False, {}

    def _observation(self):
        return {
            "tokens": self.np_random.uniform(-1, 1, (SPEC.max_tokens, SPEC.token_features)).astype(np.float32),
            "token_mask": np.ones(SPEC.max_tokens, np.int8),
            "globals": np.array([1 - self._step / HORIZON], np.float32),
            "action_mask": np.ones(ACTIONS, np.int8),
        }


def run(runners: int, intensity: float | None, seconds: float) -> dict[str, float]:
    """The figures of about `seconds` of training after the warm-up: means over iterations of 5 s."""
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    from models.apex_dqn import ApexDQNConfig
    from models.encoders.config import EncoderConfig
    from models.local_ray import ray_running
    from models.rl_modules import MaskedQ, module_config

    torch.set_num_threads(1)
    with ray_running(workers=runners + 1, gpus=0):
        algorithm = (
            ApexDQNConfig()
            .environment(Sleeping)
            .env_runners(num_env_runners=runners, num_envs_per_env_runner=1, rollout_fragment_length=100)
            .training(
                train_batch_size_per_learner=64,
                training_intensity=intensity,
                num_steps_sampled_before_learning_starts=WARM_UP_STEPS,
                num_replay_shards=1,
                broadcast_interval=200,
                batches_per_sample=32,
                prefetched_samples=4,
            )
            .rl_module(rl_module_spec=RLModuleSpec(MaskedQ, model_config=module_config(SPEC, EncoderConfig())))
            .reporting(min_time_s_per_iteration=ITERATION_SECONDS, min_sample_timesteps_per_iteration=0)
            .debugging(seed=0, log_level="ERROR", log_sys_usage=False)
            .build_algo()
        )
        while not algorithm.train()["apex_dqn"]["replay_size"] >= WARM_UP_STEPS:
            pass
        iterations = [algorithm.train()["apex_dqn"] for _ in range(math.ceil(seconds / ITERATION_SECONDS))]
        figures = {name: statistics.mean(figures[name] for figures in iterations) for name in iterations[0]}
        algorithm.stop()
        shutil.rmtree(algorithm.logdir, ignore_errors=True)
    return figures


def run_apart(runners: int, intensity: float | None, seconds: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--run", json.dumps([runners, intensity, seconds])]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    figures = json.loads(output.splitlines()[-1])
    print(f"{runners} runners, intensity {intensity}:", {name: round(value, 3) for name, value in figures.items()})
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="to measure for, in each run")
    parser.add_argument("--run", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(*arguments.run)))
        return
    one, many = (run_apart(runners, 0.5, arguments.seconds)["env_steps_per_second"] for runners in (1, RUNNERS))
    unbounded = run_apart(RUNNERS, None, arguments.seconds)
    report(
        "apex_scaling",
        {
            f"throughput, {RUNNERS} runners / 1 runner": Bar(many / one, 12, "x"),
            "learner idle, samples abounding": Bar(100 * unbounded["learner_idle_share"], 10, "% of the time", False),
        },
    )


if __name__ == "__main__":
    main()
