"""What is different for a problem from a trainer's own defaults, as data. A user's changes come on top."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[tuple[str, str], Mapping[str, float]] = {
    # Measuring a schedule takes as long as learning four times as much from it.
    ("loop_nest", "apex_dqn"): {"learning_rate": 1e-3, "replay_ratio": 32.0},
    # A state takes 9 kB here, and a transition two of them: these replays hold 0.4 to 0.8 GB.
    ("streaming_engine", "dqn"): {"replay_capacity": 20_000},
    ("streaming_engine", "r2d2"): {"replay_capacity": 20_000},
    ("streaming_engine", "apex_dqn"): {"replay_capacity": 40_000},
}
"""By problem and trainer: the changed settings."""
