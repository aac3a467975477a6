"""A gene, chosen one small decision after another.

The knobs come in the gene's order. A tile is chosen level by level, the innermost first, as it is what is vectorised:
each decision is among the factors that leave a tile to be had, a dozen where whole tiles are hundreds. Every state
stands for a gene: what is left of a loop stays in its outermost one, and other knobs have their first value, which is
none of what they are for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace, Knob, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.module_task import Task

ROOT = -1
"""The location that is always possible."""
DECISIONS_KEPT = 4096


@dataclass(frozen=True)
class Kernel:
    """What is tuned, and the choices that there are, which follow from it."""

    task: Task
    space: GeneSpace = field(compare=False, repr=False)


class Decided(NamedTuple):
    """The state: what has been decided. Decisions with one option only are not left open."""

    kernel: Kernel
    chosen: Gene = ()
    """Candidates of the knobs so far."""
    inner: tuple[int, ...] = ()
    """Factors so far of the tile at hand, the innermost first."""

    @property
    def finished(self) -> bool:
        return len(self.chosen) == len(self.kernel.space.knobs)

    @property
    def knob(self) -> Knob:
        """The one at hand."""
        return self.kernel.space.knobs[len(self.chosen)]

    @property
    def gene(self) -> Gene:
        """The one that the state stands for."""
        if self.finished:
            return self.chosen
        later = self.kernel.space.knobs[len(self.chosen) + 1 :]
        return (*self.chosen, _completed(self.knob, self.inner), *(_completed(knob, ()) for knob in later))


def untuned(kernel: Kernel) -> Decided:
    return _settled(Decided(kernel))


def options(state: Decided) -> tuple[int, ...]:
    """What can be chosen next: the factors of a tile's level, or a knob's candidates. Nothing when all is decided."""
    return () if state.finished else _options(state.knob, state.inner)


def choose_option(state: Decided, option: int) -> Decided:
    """The state after choosing the option of that index."""
    value = options(state)[option]
    return _settled(_with(state, value))


def decisions(space: GeneSpace) -> int:
    """The most that a gene can take."""
    return sum(knob.levels - 1 if isinstance(knob, TileKnob) else 1 for knob in space.knobs)


def most_options(space: GeneSpace) -> int:
    """No decision has more."""
    return max(
        max(len(set(level)) for level in zip(*knob.factors, strict=True))
        if isinstance(knob, TileKnob)
        else knob.choices
        for knob in space.knobs
    )


def _with(state: Decided, value: int) -> Decided:
    knob = state.knob
    if not isinstance(knob, TileKnob):
        return state._replace(chosen=(*state.chosen, value))
    inner = (*state.inner, value)
    left = _tiles(knob, inner)
    if len(left) == 1:
        return state._replace(chosen=(*state.chosen, left[0]), inner=())
    return state._replace(inner=inner)


def _settled(state: Decided) -> Decided:
    """After the decisions that have one option only."""
    while len(forced := options(state)) == 1:
        state = _with(state, forced[0])
    return state


@lru_cache(DECISIONS_KEPT)
def _options(knob: Knob, inner: tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(knob, TileKnob):
        return tuple(range(knob.choices))
    return tuple(sorted({knob.factors[tile][-1 - len(inner)] for tile in _tiles(knob, inner)}))


@lru_cache(DECISIONS_KEPT)
def _completed(knob: Knob, inner: tuple[int, ...]) -> int:
    if isinstance(knob, TileKnob):
        return max(_tiles(knob, inner), key=lambda tile: knob.factors[tile])
    if isinstance(knob, LocationKnob) and ROOT in knob.depths:
        return knob.depths.index(ROOT)
    return 0


def _tiles(knob: TileKnob, inner: tuple[int, ...]) -> tuple[int, ...]:
    """The candidates with these innermost factors."""
    outer = knob.levels - len(inner)
    return tuple(tile for tile, factors in enumerate(knob.factors) if factors[outer:] == inner[::-1])
