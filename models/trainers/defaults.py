"""What is different for a problem from a trainer's own defaults, as data. A user's changes come on top."""

from __future__ import annotations

from collections.abc import Mapping

SHORT_Q_LEARNING = {"replay_ratio": 32.0, "warm_up_steps": 200, "iteration_steps": 128, "epsilon_steps": 2_000}

DEFAULTS: Mapping[tuple[str, str], Mapping[str, float]] = {
    # A kernel takes a quarter of a second to build and measure: few steps, learnt from often, and told of often.
    ("kernel_tuning", "ppo"): {"batch_steps": 128, "minibatch": 64, "entropy_steps": 5_000},
    ("kernel_tuning", "appo"): {"batch_steps": 64, "iteration_steps": 128, "entropy_steps": 5_000},
    ("kernel_tuning", "impala"): {"batch_steps": 64, "iteration_steps": 128, "entropy_steps": 5_000},
    ("kernel_tuning", "dqn"): SHORT_Q_LEARNING,
    ("kernel_tuning", "r2d2"): SHORT_Q_LEARNING,
    ("kernel_tuning", "apex_dqn"): {"replay_ratio": 32.0, "warm_up_steps": 200, "iteration_steps": 128},
    # A state takes 9 kB here, and a transition two of them: these replays hold 0.4 to 0.8 GB.
    ("streaming_engine", "dqn"): {"replay_capacity": 20_000},
    ("streaming_engine", "r2d2"): {"replay_capacity": 20_000},
    ("streaming_engine", "apex_dqn"): {"replay_capacity": 40_000},
}
"""By problem and trainer: the changed settings."""
