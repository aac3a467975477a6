"""What a policy sees of a state: where it is on each axis, what a step would take, and how much of the bounds is left.

Ratios to the bounds are the same for all devices and bounds, which is what lets one policy serve them.
"""

from __future__ import annotations

import math

import numpy as np

from rllib_envs.network_scaling.grid import AXES, Place
from rllib_envs.network_scaling.surface import Usage
from rllib_envs.network_scaling.task import Task

FAR = 10
"""Steps to the end of an axis, beyond which it doesn't matter how many there are."""
FARTHEST = 3.0
"""Of a logarithm of a ratio: twentyfold."""
DECADES = 3.0
"""Bounds go from milliseconds to seconds and from one to a thousand megabytes."""

AXIS_FEATURES = (
    "share",
    "steps_down",
    "steps_up",
    "latency_down",
    "memory_down",
    "latency_up",
    "memory_up",
    "fits_down",
    "fits_up",
)
"""Of each axis. Latency and memory are those of the next network, as logarithms of their ratios to the bounds."""
GLOBAL_FEATURES = (
    "latency",
    "memory",
    "latency_bound_in_extent",
    "memory_bound_in_extent",
    "latency_bound",
    "memory_bound",
    "toy",
)


def axis_features(task: Task, place: Place) -> np.ndarray:
    """float32 [3, features]."""
    rows = np.zeros((len(AXES), len(AXIS_FEATURES)), np.float32)
    for axis, (index, length) in enumerate(zip(place, task.surface.grid.shape, strict=True)):
        last = length - 1
        rows[axis, :3] = index / max(last, 1), min(index, FAR) / FAR, min(last - index, FAR) / FAR
        for column, step in ((3, -1), (5, +1)):
            moved = task.surface.grid.moved(place, [step if axis == other else 0 for other in range(len(AXES))])
            usage = task.surface.usage(moved) if moved is not None else None
            if usage is not None:
                rows[axis, column : column + 2] = ratios(usage, task.bounds)
                rows[axis, 7 + (step > 0)] = usage.within(task.bounds)
    return rows


def global_features(task: Task, place: Place) -> np.ndarray:
    """float32 [features]."""
    bounds, (least, most) = task.bounds, task.extent
    usage = task.surface.usage(place)
    assert usage is not None, "states are where something is known"
    in_extent = [_clipped(_share(bound, low, high)) for bound, low, high in zip(bounds, least, most, strict=True)]
    sizes = [math.log10(bound) / DECADES for bound in bounds]
    return np.array([*ratios(usage, bounds), *in_extent, *sizes, task.toy], np.float32)


def ratios(usage: Usage, bounds: Usage) -> list[float]:
    """Logarithms of what is taken, to what may be: 0 at the bound."""
    return [_clipped(math.log(taken / bound)) for taken, bound in zip(usage, bounds, strict=True)]


def _share(bound: float, low: float, high: float) -> float:
    """Where a bound lies between the least and the most, as logarithms: 0 to 1."""
    return math.log(bound / low) / max(math.log(high / low), 1e-9)


def _clipped(number: float) -> float:
    return max(-FARTHEST, min(FARTHEST, number))
