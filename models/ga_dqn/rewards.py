"""What a child earns for whoever chose how it was made.

The three rewards of the published GA-DQN are here with their signs and scales put right: it rewarded getting worse,
compared with a best that already held the same sample, gave a failed build more than a slow kernel, and used raw
GFLOPS, a hundred times more for one kernel than for another. All are ratios in binary logarithms here, from -2 to 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rllib_envs.kernel_tuning.tuners.tuner import FAILED

CLIP = 2.0
"""Four times faster or slower: more would drown what is usual."""
FAILURE = -CLIP
"""As bad as the slowest kernel."""


class Scored(NamedTuple):
    """A child's speed, and those it is compared with, all as they were before it."""

    child: float
    parent: float
    """The faster one of two."""
    best: float
    """Of all before it."""
    initial: float
    """Mean of the first population."""
    recent: float
    """Mean of the last population's worth of trials."""


def log_ratio(scored: Scored) -> float:
    """Ours: how many times faster than its parent, and 1 more for a new best."""
    return _log2(scored.child, scored.parent) + (scored.child > scored.best)


def improvement(scored: Scored) -> float:
    """Ours without the losses: a population forgets a slow child, so being much slower costs no more than a little."""
    return max(0.0, _log2(scored.child, scored.parent)) + (scored.child > scored.best)


def published_r1(scored: Scored) -> float:
    """R1: against the first population's mean."""
    return _log2(scored.child, scored.initial)


def published_r2(scored: Scored) -> float:
    """R2: the same, but only where there is a new best."""
    return published_r1(scored) if scored.child > scored.best else 0.0


def published_r3(scored: Scored) -> float:
    """R3: against the recent mean, and five times as much for a new best. A fifth of the published scale."""
    return _log2(scored.child, scored.recent) * (1.0 if scored.child > scored.best else 0.2)


REWARDS: Mapping[str, Callable[[Scored], float]] = {
    "log_ratio": log_ratio,
    "improvement": improvement,
    "published_r1": published_r1,
    "published_r2": published_r2,
    "published_r3": published_r3,
}


def reward_of(name: str, scored: Scored) -> float:
    """By the function of this name; a failure earns `FAILURE` with any."""
    return FAILURE if scored.child <= FAILED else REWARDS[name](scored)


def _log2(speed: float, other: float) -> float:
    if other <= FAILED:
        return CLIP
    return max(-CLIP, min(CLIP, math.log2(speed / other)))
