"""What is different for a problem from a trainer's own defaults, as data. A user's changes come on top."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[tuple[str, str], Mapping[str, float]] = {
    # Measuring a schedule takes as long as learning four times as much from it.
    ("loop_nest", "apex_dqn"): {"learning_rate": 1e-3, "replay_ratio": 32.0},
}
"""By problem and trainer: the changed settings."""
