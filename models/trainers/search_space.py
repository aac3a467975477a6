"""The values of a setting that a sweep draws from, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Between:
    """Any number in between, small and large factors alike: as many draws from 1 to 2 as from 2 to 4."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> float:
        return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))


@dataclass(frozen=True)
class OneOf:
    """One of these, each as often as any other."""

    values: tuple[float, ...]

    def __contains__(self, value: float) -> bool:
        return value in self.values

    def draw(self, rng: np.random.Generator) -> float:
        return self.values[rng.integers(len(self.values))]


Range = Between | OneOf
