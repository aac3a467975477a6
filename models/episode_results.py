"""How the finished episodes of an iteration reach the driver: each one's return and speed-up, unaveraged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

RETURNS, SPEEDUPS = "tuning_returns", "tuning_speedups"


def log_episode(episode: Any, metrics_logger: Any, **_: Any) -> None:
    """RLlib's `on_episode_end`; runs in the worker that played the episode."""
    info = episode.get_infos(-1)
    metrics_logger.log_value(RETURNS, info["episode_return"], reduce="item_series")
    metrics_logger.log_value(SPEEDUPS, info["speedup"], reduce="item_series")


def read_episodes(result: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Returns and finite speed-ups from the part of RLlib's result that its environment runners report.

    A speed-up over a start of zero is infinite; there is no ratio to report for such an episode.
    """
    return _series(result, RETURNS), [value for value in _series(result, SPEEDUPS) if math.isfinite(value)]


def _series(result: Mapping[str, Any], name: str) -> list[float]:
    """All values that were logged. Of none, RLlib says nothing the first time, and later NaN."""
    values = result.get(name, [])
    return list(map(float, values)) if isinstance(values, list) else []


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """The mean that treats 2x and 0.5x as opposites; None without a positive ratio."""
    positive = [ratio for ratio in ratios if ratio > 0]
    return math.exp(sum(map(math.log, positive)) / len(positive)) if positive else None
