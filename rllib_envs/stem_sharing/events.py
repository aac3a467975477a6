"""How well an application that looks at some frames a second finds events: false negatives, false positives, F1.

Jiang et al. 2018, section 4. An event lasts for a number of frames of which every `stride`-th is looked at, so that it
is seen in the floor or the ceiling of their ratio. Each look hits with a probability that the network's accuracy gives;
looks at the same event are correlated. Alerts on frames without an event are treated alike, with the false-alarm rate.
"""

from __future__ import annotations

from enum import StrEnum
from math import floor
from typing import NamedTuple


class EventLength(StrEnum):
    """In which unit an event's length is divided by the stride."""

    COMPATIBLE = "compatible"
    """As in the published program, which counts the frames that are looked at and divides them by the stride once more:
    at a third of the frames an event seems a ninth as long."""
    CORRECTED = "corrected"
    """The frames of the stream."""


class Looks(NamedTuple):
    """How often an event is looked at: `fewer` times, or once more with the probability `more`."""

    fewer: int
    more: float

    @classmethod
    def at(cls, rate: float, stream_rate: float, event_ms: float, length: EventLength) -> Looks:
        """`rate` of `stream_rate` frames/s are looked at, while an event lasts for `event_ms` milliseconds.

        An executor that has no time for an application observes a rate of 0.
        """
        if rate == 0:
            return cls(0, 0.0)
        stride = stream_rate / rate
        frames = event_ms / 1000 * (rate if length is EventLength.COMPATIBLE else stream_rate)
        fewer = floor(frames / stride)
        return cls(fewer, frames / stride - fewer)


class Detection(NamedTuple):
    """Probabilities of an application at one rate."""

    false_negative: float
    """That an event goes unseen."""
    false_positive: float
    """That an alert is false: one less precision."""
    f1: float
    """Harmonic mean of recall and precision; 0 where either is."""


def missed(hit: float, looks: Looks, correlation: float) -> float:
    """Probability that none of the looks hits.

    Args:
        hit: probability that the first one does.
        looks: their number.
        correlation: how much a miss makes the next one likelier, from 0 for not at all to 1 for always.
    """
    again = (1 - hit) + hit * correlation

    def after(count: int) -> float:
        return (1 - hit) * again ** (count - 1) if count else 1.0

    return (1 - looks.more) * after(looks.fewer) + looks.more * after(looks.fewer + 1)


def outvoted(hit: float, looks: Looks, correlation: float, votes: int) -> float:
    """Probability that no `votes` looks hit in a row, where a hit makes the next one likelier.

    By dynamic programming over looks and the length of the present run, in O(looks * votes).
    """
    unseen = _unseen(hit, correlation, votes, looks.fewer + 1)
    return (1 - looks.more) * unseen[looks.fewer] + looks.more * unseen[looks.fewer + 1]


def _unseen(hit: float, correlation: float, votes: int, looks: int) -> list[float]:
    """[looks + 1]: probability that the event is unseen after 0, 1, ... looks."""
    after_hit = hit + (1 - hit) * correlation
    runs = [1.0] + [0.0] * (votes - 1)
    """Probability that the event is unseen and the last so many looks hit."""
    unseen = [1.0]
    for _ in range(looks):
        continued = [runs[0] * hit, *(run * after_hit for run in runs[1:])]
        ended = runs[0] * (1 - hit) + sum(run * (1 - after_hit) for run in runs[1:])
        runs = [ended, *continued[: votes - 1]]
        unseen.append(sum(runs))
    return unseen


def detection(false_negative: float, alarm: float, frequency: float) -> Detection:
    """From what is missed, to what users of the application see.

    Args:
        false_negative: probability that an event goes unseen.
        alarm: probability that there is an alert in the time of an event when there is none.
        frequency: share of the time in which there is one.
    """
    recall = 1 - false_negative
    alerts = frequency * recall + (1 - frequency) * alarm
    precision = frequency * recall / alerts if alerts > 0 else 1.0
    f1 = 2 * recall * precision / (recall + precision) if min(recall, precision) > 1e-9 else 0.0
    return Detection(false_negative, 1 - precision, f1)
