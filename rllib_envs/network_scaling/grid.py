"""The whole numbers that a scaling may consist of, and the places among them."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import architecture_of
from rllib_envs.network_scaling.scaling import LARGEST, SMALLEST, UNSCALED, Scaling

AXES = Scaling._fields

Place = tuple[int, int, int]
"""Of a scaling on a grid: which of the widths, depths and resolutions."""


@dataclass(frozen=True)
class Grid:
    """All combinations of some widths, depths and resolutions, each rising.

    Widths and depths are in tenths.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    resolutions: tuple[int, ...]

    @classmethod
    def from_json(cls, content: Any) -> Grid:
        """UserError where it isn't what `to_json` makes, or goes further than networks are scaled."""
        try:
            grid = cls(**{name: tuple(axis) for name, axis in content.items()})
        except (TypeError, AttributeError) as error:
            raise UserError(f"this is no grid of widths, depths and resolutions: {error}") from None
        for name, axis, least, most in zip(AXES, grid.axes, SMALLEST, LARGEST, strict=True):
            whole = all(type(number) is int for number in axis)
            if not axis or not whole or list(axis) != sorted(set(axis)) or axis[0] < least or axis[-1] > most:
                raise UserError(f"a grid's {name}s must be rising whole numbers from {least} to {most}, not {axis}")
        return grid

    def to_json(self) -> dict[str, list[int]]:
        return {name: list(axis) for name, axis in asdict(self).items()}

    @property
    def axes(self) -> tuple[tuple[int, ...], ...]:
        return self.widths, self.depths, self.resolutions

    @cached_property
    def shape(self) -> Place:
        return len(self.widths), len(self.depths), len(self.resolutions)

    def scaling(self, place: Place) -> Scaling:
        return Scaling(*(axis[index] for axis, index in zip(self.axes, place, strict=True)))

    def place(self, scaling: Scaling) -> Place:
        """The nearest one that is not larger, on each axis."""
        width, depth, size = (
            max(0, bisect_right(axis, number) - 1) for axis, number in zip(self.axes, scaling, strict=True)
        )
        return width, depth, size

    def places(self) -> Iterator[Place]:
        widths, depths, sizes = map(range, self.shape)
        return itertools.product(widths, depths, sizes)

    def edges(self) -> Iterator[Place]:
        """The places that are smallest on two axes."""
        yield 0, 0, 0
        for axis, length in enumerate(self.shape):
            for index in range(1, length):
                yield tuple(index if axis == other else 0 for other in range(3))  # type: ignore[misc]

    def moved(self, place: Place, steps: Sequence[int]) -> Place | None:
        """So many steps further on each axis; None where that is off the grid."""
        width, depth, size = place[0] + steps[0], place[1] + steps[1], place[2] + steps[2]
        widths, depths, sizes = self.shape
        inside = 0 <= width < widths and 0 <= depth < depths and 0 <= size < sizes
        return (width, depth, size) if inside else None


def whole_grid(network: str, scaled_stem: bool, within: tuple[Scaling, Scaling]) -> Grid:
    """Every width and depth in steps of 0.1 and every resolution, without those that are the network before them.

    `within` are the smallest and the largest of each.
    """
    lows, highs = within

    def distinct(axis: int) -> tuple[int, ...]:
        known: dict[str, int] = {}
        for number in range(lows[axis], highs[axis] + 1):
            scaling = UNSCALED._replace(**{AXES[axis]: number})
            known.setdefault(architecture_of(network, scaling, scaled_stem=scaled_stem).key, number)
        return tuple(known.values())

    return Grid(*map(distinct, range(3)))
