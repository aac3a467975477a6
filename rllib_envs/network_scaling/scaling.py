"""How a base network is scaled: three whole numbers, so that no step ever drifts off its grid.

A width of 1.4 reached in steps of 0.1 as floating-point numbers is 1.3999999, which rounds to another network.
"""

from __future__ import annotations

from typing import NamedTuple

from rllib_envs.errors import UserError

TENTHS = 10
ROUNDING = 1e-6
"""How far from a multiple of 0.1 a factor may be: what single precision makes of one."""


class Scaling(NamedTuple):
    """Factors of width and depth in tenths, and the resolution of the input in pixels."""

    width: int
    depth: int
    resolution: int

    def __str__(self) -> str:
        return f"({self.width / TENTHS:g}, {self.depth / TENTHS:g}, {self.resolution})"


SMALLEST = Scaling(1, 1, 4)
LARGEST = Scaling(50, 50, 224)
UNSCALED = Scaling(10, 10, 32)


def parse_scaling(width: float, depth: float, resolution: int) -> Scaling:
    """The scaling with these factors. UserError where they are not on the grid, or too small or large."""
    scaling = Scaling(_tenths("width", width), _tenths("depth", depth), resolution)
    for name, value, least, most in zip(Scaling._fields, scaling, SMALLEST, LARGEST, strict=True):
        if not least <= value <= most:
            in_words = f"from {SMALLEST} to {LARGEST}"
            raise UserError(f"{name} of {scaling} is out of range; (width, depth, resolution) goes {in_words}")
    return scaling


def _tenths(name: str, factor: float) -> int:
    tenths = factor * TENTHS
    if not abs(tenths) < 1e6 or abs(tenths - round(tenths)) > ROUNDING * TENTHS:
        raise UserError(f"{name} is {factor}; give a multiple of 0.1, such as 0.5 or 1.2")
    return round(tenths)
