"""What a task is about: places on a grid, each with a latency and a memory. One surface of networks, and a toy."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple, Protocol

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.grid import Grid, Place
from rllib_envs.network_scaling.latency import LatencySource
from rllib_envs.network_scaling.latency_table import OutsideMeasured
from rllib_envs.network_scaling.layers import memory_of
from rllib_envs.network_scaling.setting import Setting

PLACES_KEPT = 200_000


class Usage(NamedTuple):
    """What a network takes of what is bounded."""

    latency: float
    """Seconds for a batch."""
    memory: float
    """Megabytes for one image."""

    def within(self, bounds: Usage) -> bool:
        return self.latency <= bounds.latency and self.memory <= bounds.memory

    def excess(self, bounds: Usage) -> float:
        """How many times more than it may, of what it takes most of; at most 1 where both bounds are kept."""
        return max(self.latency / bounds.latency, self.memory / bounds.memory)


class Surface(Protocol):
    """Places, and what each of them takes."""

    grid: Grid

    def usage(self, place: Place) -> Usage | None:
        """None where nothing is known of such a network."""

    def text(self, place: Place) -> str:
        """The scaling there."""


class NetworkSurface:
    """The scalings of a base network on a device."""

    def __init__(self, setting: Setting, grid: Grid, latencies: LatencySource) -> None:
        self.setting, self.grid, self.latencies = setting, grid, latencies
        self._usage = lru_cache(PLACES_KEPT)(self._look_up)

    def usage(self, place: Place) -> Usage | None:
        return self._usage(place)

    def _look_up(self, place: Place) -> Usage | None:
        architecture = self.setting.architecture(self.grid.scaling(place))
        try:
            return Usage(self.latencies.seconds(architecture), memory_of(architecture))
        except OutsideMeasured:
            return None

    def text(self, place: Place) -> str:
        return str(self.grid.scaling(place))


class ToySurface:
    """Width and depth in hundredths, nothing to train: latency w^2 + d^2, memory the larger of the two.

    The accuracy is 1 - (|x - best| + |w - 0.5| + |d - 0.3|) / 2 at x = (w, d), which is 1 at the best place (0.5, 0.3).
    """

    HUNDREDTHS = 100
    BEST = (50, 30)

    def __init__(self) -> None:
        axis = tuple(range(1, 2 * self.HUNDREDTHS + 1))
        self.grid = Grid(axis, axis, (0,))

    def _factors(self, place: Place) -> tuple[float, float]:
        width, depth, _ = self.grid.scaling(place)
        return width / self.HUNDREDTHS, depth / self.HUNDREDTHS

    def usage(self, place: Place) -> Usage:
        width, depth = self._factors(place)
        return Usage(width**2 + depth**2, max(width, depth))

    def accuracy(self, place: Place) -> float:
        off = [factor - best / self.HUNDREDTHS for factor, best in zip(self._factors(place), self.BEST, strict=True)]
        return 1 - (math.hypot(*off) + sum(map(abs, off))) / 2

    def text(self, place: Place) -> str:
        return "({:g}, {:g})".format(*self._factors(place))


class Extent(NamedTuple):
    """The least and the most that anything on a surface takes."""

    least: Usage
    most: Usage


def extent_of(surface: Surface) -> Extent:
    """By the corners of the grid. UserError where nothing is known of any."""
    widths, depths, sizes = ((0, length - 1) for length in surface.grid.shape)
    corners = product(widths, depths, sizes)
    known = [usage for corner in corners if (usage := surface.usage(corner)) is not None]
    if not known:
        raise UserError("the table of latencies has none of the networks of this grid; measure them, or take another")
    return Extent(Usage(*map(min, zip(*known, strict=True))), Usage(*map(max, zip(*known, strict=True))))
