"""List scheduling: each node in its turn where it starts earliest, under the mask and with look-ahead.

It completes mappings: what a partial one is worth is the makespan of what list scheduling makes of it, which is the
pilot method (Duin and Voß, "The pilot method", Networks 34, 1999).
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.partial import PartialMapping
from rllib_envs.streaming_engine.solved import Disagreement

TRIES = 8
"""Runs before a mapping counts as one that is not completed. The first is list scheduling as such. On states of random
walks 19 of 20 completions that 24 runs find are found by these."""
NOISE = 2.0
"""Cycles, on average, by which the later runs put off what would start earliest, so that they end elsewhere."""


class Completion(NamedTuple):
    """A mapping with the other nodes placed as well."""

    partial: PartialMapping
    """If no run got to the end, the one that placed most."""
    plain: bool
    """Whether it is list scheduling as such."""
    makespan: int | None
    """What the judge says of it; None where not all nodes are placed."""


def complete(partial: PartialMapping, start: int | None = None) -> Completion:
    """Place the other nodes. `start` is the cycle in which the node at hand, a root, has to start.

    The answer depends on the arguments alone.
    """
    best = run(partial, start)
    if best.finished:
        return Completion(best, True, judged(best))
    for number in range(1, TRIES):
        found = run(partial, start, Random(number))
        if found.finished:
            return Completion(found, False, judged(found))
        if found.step > best.step:
            best = found
    return Completion(best, False, None)


def judged(done: PartialMapping) -> int:
    """The makespan of a complete mapping by the judge, which must be what it is by the times kept here."""
    expected = max(done.starts) + done.task.device.pipeline_depth
    outcome = evaluate(done.task, done.mapping())
    if outcome.makespan != expected:
        raise Disagreement(
            f"the judge finds {outcome.makespan} cycles ({[one.text for one in outcome.violations]}), list scheduling "
            f"{expected}, for {done.mapping()}; please report this"
        )
    return expected


def run(partial: PartialMapping, start: int | None = None, noise: Random | None = None) -> PartialMapping:
    """Place node after node, on the first slice allowed in the order of `preferred`, until one has none or all are."""
    partial = partial.copy()
    while not partial.finished:
        room = partial.room()
        slices = preferred(partial, start, noise)
        chosen = next((one for one in slices if room >> one[0] & 1 and partial.allows(*one)), None)
        if chosen is None:
            break
        partial.place(*chosen)
        start = None
    return partial


def preferred(
    partial: PartialMapping, start: int | None = None, noise: Random | None = None
) -> Iterable[tuple[int, int]]:
    """Slices of the node at hand as (tile, start): the earliest first, of equals those in the middle of the device."""
    tiles = partial.layout.by_centre
    if not partial.at_root:
        starts = partial.arrivals()
        if noise is None:
            return ((tile, starts[tile]) for tile in sorted(tiles, key=starts.__getitem__))
        slices = [(tile, starts[tile]) for tile in tiles]
    else:
        turns = range(partial.task.device.spokes) if start is None else (start,)
        if noise is None:
            return ((tile, turn) for turn in turns for tile in tiles)
        slices = [(tile, turn) for turn in turns for tile in tiles]
    put_off = noise.expovariate
    return sorted(slices, key=lambda one: one[1] + put_off(1 / NOISE))
