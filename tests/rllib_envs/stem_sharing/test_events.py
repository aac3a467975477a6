from __future__ import annotations

import itertools

import pytest

from rllib_envs.stem_sharing.events import EventLength, Looks, detection, missed, outvoted

RATES = (1, 5, 6, 10, 15)
PEDESTRIANS = {"event_ms": 500.0, "frequency": 0.3, "correlation": 0.107, "stream_rate": 15.0}
"""Of the measurements published with Jiang et al. 2018."""


def f1(hit: float, false_alarm: float, rate: float, length: EventLength) -> float:
    looks = Looks.at(rate, PEDESTRIANS["stream_rate"], PEDESTRIANS["event_ms"], length)
    miss, no_alarm = (missed(chance, looks, PEDESTRIANS["correlation"]) for chance in (hit, false_alarm))
    return detection(miss, 1 - no_alarm, PEDESTRIANS["frequency"]).f1


def test_values_of_the_published_program() -> None:
    """F1 of the pedestrian detector with no layer kept, computed by the published program."""
    found = [f1(0.8533, 0.1444, rate, EventLength.COMPATIBLE) for rate in RATES]
    assert found == pytest.approx([0.054716, 0.713989, 0.773522, 0.690736, 0.568568], abs=1e-6)


def test_an_event_is_as_long_at_any_rate() -> None:
    assert f1(0.8533, 0.1444, 1, EventLength.CORRECTED) == pytest.approx(0.534945, abs=1e-6)
    full = [f1(0.8533, 0.1444, 15, length) for length in EventLength]
    assert full[0] == pytest.approx(full[1]), "at the stream's own rate there is nothing to correct"


def test_looks_between_two_numbers() -> None:
    looks = Looks.at(rate=6, stream_rate=15, event_ms=500, length=EventLength.CORRECTED)
    assert looks == (3, pytest.approx(0.0)), "7.5 frames, every 2.5th"
    looks = Looks.at(rate=3, stream_rate=15, event_ms=500, length=EventLength.CORRECTED)
    assert looks == (1, pytest.approx(0.5)), "7.5 frames, every fifth"
    assert missed(0.8, looks, 0.0) == pytest.approx(0.5 * 0.2 + 0.5 * 0.2**2)
    assert missed(0.8, Looks(3, 0.0), 1.0) == pytest.approx(0.2), "the same look three times"


def by_enumeration(hit: float, count: int, correlation: float, votes: int) -> float:
    """Probability that no `votes` of `count` looks hit in a row, over all ways that they can go."""
    unseen = 0.0
    for way in itertools.product((False, True), repeat=count):
        chance, before = 1.0, False
        for look in way:
            hits = hit + (1 - hit) * correlation if before else hit
            chance *= hits if look else 1 - hits
            before = look
        if (True,) * votes not in [way[start : start + votes] for start in range(count)]:
            unseen += chance
    return unseen


@pytest.mark.parametrize("votes", [1, 2, 3])
@pytest.mark.parametrize("looks", [0, 1, 4, 9])
def test_votes_agree_with_enumeration(looks: int, votes: int) -> None:
    found = outvoted(0.7, Looks(looks, 0.25), 0.3, votes)
    expected = 0.75 * by_enumeration(0.7, looks, 0.3, votes) + 0.25 * by_enumeration(0.7, looks + 1, 0.3, votes)
    assert found == pytest.approx(expected)


def test_what_users_see() -> None:
    assert detection(0.0, 0.0, 0.3) == (0.0, 0.0, 1.0)
    assert detection(1.0, 0.0, 0.3) == (1.0, 0.0, 0.0), "no alert is ever false where there is none"
    found = detection(0.2, 0.1, 0.5)
    assert found.false_positive == pytest.approx(0.1 / 0.9)
    assert found.f1 == pytest.approx(2 / (1 / 0.8 + 1 / (0.8 / 0.9)))
