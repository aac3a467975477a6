"""Our Ape-X against RLlib's stock DQN on CartPole-v1: wall time to a mean return of 450, and environment steps/s.

Both play with 2 environment runners of 8 environments, learn with the same network (RLlib's default), batch, n-step,
learning rate, memory, target and replay ratio, and are tested the same way: about every 2 s the learner's network
plays 10 episodes greedily, and their mean return decides. Building is not counted, testing is. Every run has a Ray of
its own. A run is given up after five minutes, and counts as that long. Takes about 15 minutes; one seed (--seeds 1)
takes about 5.

python bench/apex_vs_dqn.py [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import statistics
import subprocess
import sys
import time

import gymnasium
import numpy as np
import torch
from report import Bar, report

GOAL = 450
TEST_EPISODES = 10
SECONDS_BETWEEN_TESTS = 2.0
TIMEOUT_SECONDS = 300.0
RUNNERS, ENVS = 2, 8
SAME = {
    "lr": 2e-3,
    "train_batch_size_per_learner": 128,
    "n_step": 8,
    "training_intensity": 8.0,
    "num_steps_sampled_before_learning_starts": 1000,
    "grad_clip": 40.0,
    "gamma": 0.99,
}


TARGET_UPDATES = 50
"""Updates between two copies of the network into its target. RLlib counts environment steps."""


def configuration(trainer: str, seed: int):
    if trainer == "dqn":
        from ray.rllib.algorithms.dqn import DQNConfig

        steps = TARGET_UPDATES * SAME["train_batch_size_per_learner"] / SAME["training_intensity"]
        config = DQNConfig().training(**SAME, target_network_update_freq=steps)
    else:
        from models.apex_dqn import ApexDQNConfig

        config = ApexDQNConfig().training(
            **SAME, target_update_interval=TARGET_UPDATES, replay_buffer_config={"capacity": 50_000}
        )
    return (
        config.environment("CartPole-v1")
        .env_runners(num_env_runners=RUNNERS, num_envs_per_env_runner=ENVS)
        .reporting(min_time_s_per_iteration=SECONDS_BETWEEN_TESTS, min_sample_timesteps_per_iteration=0)
        .debugging(seed=seed, log_level="ERROR", log_sys_usage=False)
    )


def greedy_return(algorithm, seed: int) -> float:
    """Mean return of ten greedy episodes with the learner's network."""
    from ray.rllib.core import DEFAULT_MODULE_ID
    from ray.rllib.core.columns import Columns

    module = algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
    envs = gymnasium.make_vec("CartPole-v1", TEST_EPISODES, vectorization_mode="vector_entry_point")
    observations, _ = envs.reset(seed=seed)
    returns, playing = np.zeros(TEST_EPISODES), np.ones(TEST_EPISODES, bool)
    while playing.any():
        with torch.no_grad():
            actions = module.forward_inference({Columns.OBS: torch.from_numpy(observations)})[Columns.ACTIONS]
        observations, rewards, terminated, truncated, _ = envs.step(actions.numpy())
        returns += rewards * playing
        playing &= ~(terminated | truncated)
    envs.close()
    return float(returns.mean())


def run(trainer: str, seed: int) -> dict[str, float | bool]:
    """Train until the goal is reached or time is up."""
    from models.local_ray import ray_running

    torch.set_num_threads(1)
    with ray_running(workers=RUNNERS + 1, gpus=0):
        logging.getLogger("ray").setLevel(logging.ERROR)
        algorithm = configuration(trainer, seed).build_algo()
        began, tests, best = time.perf_counter(), 0, 0.0
        while best < GOAL and time.perf_counter() - began < TIMEOUT_SECONDS:
            result = algorithm.train()
            tests += 1
            best = max(best, tested := greedy_return(algorithm, seed=1000 * seed + tests))
            steps = result["env_runners"]["num_env_steps_sampled_lifetime"]
            print(f"{trainer} {time.perf_counter() - began:6.1f} s {steps:9.0f} steps {tested:6.1f}", file=sys.stderr)
            if "apex_dqn" in result:
                print({name: round(value, 3) for name, value in result["apex_dqn"].items()}, file=sys.stderr)
        seconds = time.perf_counter() - began
        algorithm.stop()
        shutil.rmtree(algorithm.logdir, ignore_errors=True)
    return {"seconds": seconds, "steps_per_second": steps / seconds, "reached": best >= GOAL}


def run_apart(trainer: str, seed: int) -> dict[str, float | bool]:
    command = [sys.executable, __file__, "--run", trainer, "--seed", str(seed)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each trainer")
    parser.add_argument("--run", choices=("apex", "dqn"), help="one run only")
    parser.add_argument("--seed", type=int, default=0, help="of that run")
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(arguments.run, arguments.seed)))
        return
    runs: dict[str, list] = {"apex": [], "dqn": []}
    for seed in range(arguments.seeds):
        for trainer, done in runs.items():
            done.append(run_apart(trainer, seed))
            print(trainer, seed, done[-1], flush=True)
    seconds, speeds = (
        {trainer: statistics.median(one[figure] for one in done) for trainer, done in runs.items()}
        for figure in ("seconds", "steps_per_second")
    )
    reached = {trainer: sum(one["reached"] for one in done) for trainer, done in runs.items()}
    print(
        f"return {GOAL} was reached by {reached['apex']} of {arguments.seeds} runs of Ape-X and {reached['dqn']} of DQN"
    )
    report(
        "apex_vs_dqn",
        {
            "wall time to return 450, stock DQN / Ape-X": Bar(seconds["dqn"] / seconds["apex"], 3, "x, medians"),
            "environment steps/s, Ape-X / stock DQN": Bar(speeds["apex"] / speeds["dqn"], 8, "x, medians"),
            "runs that reached it": Bar(100 * sum(reached.values()) / (2 * arguments.seeds), 100, "%"),
        },
    )


if __name__ == "__main__":
    main()
