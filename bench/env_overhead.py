"""What the environment costs besides measuring, and what one worker weighs. Takes about 5 seconds.

python bench/env_overhead.py
"""

from __future__ import annotations

import resource
import time

import numpy as np
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.tuning_env import TuningEnv

STEPS = 20_000
MATMUL = Benchmark("mm128", "loop_nest", {"kind": "mm", "sizes": {"m": 128, "n": 128, "k": 128}})


class Unmeasured(LoopNest):
    """Everything but the measuring."""

    def evaluate(self, state):
        return Evaluation(value=1.0, unit="GFLOPS", scale=1.0)


def steps_per_second() -> float:
    """Random legal steps of the whole environment, observation included, in processor time."""
    env = TuningEnv(Unmeasured("full"), [MATMUL])
    rng = np.random.default_rng(0)
    observation, _ = env.reset()
    began = time.process_time()
    for _ in range(STEPS):
        action = rng.choice(np.flatnonzero(observation["action_mask"]))
        observation, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            observation, _ = env.reset()
    return STEPS / (time.process_time() - began)


def resident_megabytes() -> float:
    """Of a worker without Ray that measures for real: this process, and its measuring process."""
    env = TuningEnv(LoopNest(), [MATMUL])
    env.reset()
    for _ in range(200):
        observation, _ = env.reset()
        env.step(int(np.flatnonzero(observation["action_mask"])[-2]))
    env.close()  # the measuring process counts once it has ended
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + child) / 1024


if __name__ == "__main__":
    report(
        "env_overhead",
        {
            "random legal steps, 128x128x128": Bar(steps_per_second(), 5_000, "steps/s on one core"),
            "resident memory of one worker": Bar(resident_megabytes(), 300, "MB", at_least=False),
        },
    )
