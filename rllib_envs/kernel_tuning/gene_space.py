"""A schedule's open decisions as a vector of small numbers: the gene that tuners vary, and the knobs that it sets.

Nothing here knows of a compiler: what a gene's choices do to a kernel is decided where it is built.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from rllib_envs.errors import UserError

Gene: TypeAlias = tuple[int, ...]
"""One choice a knob: the index of a candidate."""
ROLES = ("vectorised", "spatial", "reduction", "other")
"""The last of the most split loops is the one that is vectorised; loops split less often are summed over."""


@dataclass(frozen=True)
class TileKnob:
    """How a loop is split into several, one inside the other."""

    name: str
    factors: tuple[tuple[int, ...], ...]
    """The candidates: the tile factors of each level, the outermost first. Their product is the loop's extent."""

    def __post_init__(self) -> None:
        _refuse_empty(self.name, self.factors)
        if len({len(factors) for factors in self.factors}) > 1:
            raise UserError(
                f"knob {self.name!r} splits a loop into different numbers of loops; give each as many factors"
            )
        if len({math.prod(factors) for factors in self.factors}) > 1 or min(map(min, self.factors)) < 1:
            raise UserError(f"knob {self.name!r} has factors of different extents; all products have to be the same")

    @property
    def choices(self) -> int:
        return len(self.factors)

    @property
    def levels(self) -> int:
        """Into how many loops it splits."""
        return len(self.factors[0])

    @property
    def extent(self) -> int:
        """How often the loop ran before it was split."""
        return math.prod(self.factors[0])


@dataclass(frozen=True)
class ChoiceKnob:
    """One of several values: an unrolling depth, a vector length."""

    name: str
    values: tuple[float, ...]
    """The candidates. Where they have an order, they stand in it."""

    def __post_init__(self) -> None:
        _refuse_empty(self.name, self.values)

    @property
    def choices(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class LocationKnob:
    """Under which loop a stage is computed."""

    name: str
    depths: tuple[int, ...]
    """The candidates: the loop's depth from the outermost, 0; negative for "at the root" and "inlined"."""

    def __post_init__(self) -> None:
        _refuse_empty(self.name, self.depths)

    @property
    def choices(self) -> int:
        return len(self.depths)


Knob: TypeAlias = TileKnob | ChoiceKnob | LocationKnob


@dataclass(frozen=True)
class GeneSpace:
    """All genes of one kernel."""

    knobs: tuple[Knob, ...]

    def __post_init__(self) -> None:
        if not self.knobs:
            raise UserError("a gene needs at least one knob; this kernel has nothing to tune")

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """The number of candidates of each knob."""
        return tuple(knob.choices for knob in self.knobs)

    @cached_property
    def size(self) -> int:
        """The number of genes."""
        return math.prod(self.choices)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Of each knob, one of `ROLES`."""
        levels = [knob.levels if isinstance(knob, TileKnob) else 0 for knob in self.knobs]
        most = max(levels)
        roles = ["other" if not count else "spatial" if count == most else "reduction" for count in levels]
        if most:
            roles[max(index for index, count in enumerate(levels) if count == most)] = "vectorised"
        return tuple(roles)

    def random(self, rng: np.random.Generator) -> Gene:
        """Each gene with the same probability."""
        return tuple(int(choice) for choice in rng.integers(self.choices))

    def check(self, gene: Sequence[int]) -> None:
        """Raises UserError, naming the knob, where this is no gene of the space."""
        if len(gene) != len(self.knobs):
            raise UserError(f"a gene of this kernel has {len(self.knobs)} choices, one for each knob; got {len(gene)}")
        for knob, choice in zip(self.knobs, gene, strict=True):
            if not 0 <= choice < knob.choices:
                raise UserError(f"knob {knob.name!r} has the choices 0 to {knob.choices - 1}; got {choice}")


def _refuse_empty(name: str, candidates: Sequence[object]) -> None:
    if not candidates:
        raise UserError(f"knob {name!r} has no candidates; leave it out of the gene")
