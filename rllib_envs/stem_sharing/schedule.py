"""A schedule: which variant of each application runs, and how many frames a second it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rllib_envs.stem_sharing.network import BaseNetwork


class Choice(NamedTuple):
    """For one application."""

    freeze_point: int
    rate: float
    """Frames/s."""


Schedule = tuple[Choice, ...]
"""A choice for each application, in their order."""


class Segment(NamedTuple):
    """A part of the stem: layers that run once for all applications that keep them frozen."""

    start: int
    end: int
    """The first layer after it."""
    rate: float
    """Frames/s: that of the most demanding application."""


def stem(choices: Sequence[Choice]) -> Iterator[Segment]:
    """The segments between the freeze points in use, from the input on."""
    start = 0
    for end in sorted({choice.freeze_point for choice in choices} - {0}):
        yield Segment(start, end, max(choice.rate for choice in choices if choice.freeze_point >= end))
        start = end


def cost(network: BaseNetwork, choices: Sequence[Choice]) -> float:
    """Of a schedule, in latency times frames/s (Jiang et al. 2018, section 4): the stem's segments each at the highest
    rate that needs them, and every application's own layers at its own rate.
    """
    shared = sum(network.between(segment.start, segment.end) * segment.rate for segment in stem(choices))
    return shared + sum(network.between(choice.freeze_point, network.layers) * choice.rate for choice in choices)
