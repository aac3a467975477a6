"""The traces that several tests look at."""

from __future__ import annotations

from dataclasses import replace

from rllib_envs.online_sharing.course import Course
from rllib_envs.online_sharing.generate import random_suite
from rllib_envs.online_sharing.scene import Scene
from rllib_envs.online_sharing.trace import Event, Kind, Restarts, Trace
from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.network import BaseNetwork

SUITE = tuple(random_suite((2, 5), 2, seed=0, event_length=EventLength.CORRECTED))


def application(name: str) -> Application:
    """It hits whenever it looks, without false alarms, at events of a tenth of a second. So at r of 10 frames/s it sees
    r/10 of them with a precision of 1: its F1 is 2r / (10 + r).
    """
    return Application(name, (Variant(1, 1.0, 0.0),), event_ms=100.0, frequency=0.3, correlation=0.0)


def by_hand(restarts: Restarts = Restarts.ALL, redeploy_s: float = 5.0) -> Trace:
    """Two layers of latency 1, of which the first is shared: rates a and b cost max(a, b) + a + b, and a alone 2a.

    Bus runs alone at 5 frames/s at first, which is the best for a capacity of 10.
    """
    return Trace(
        applications=(application("bus"), application("car")),
        network=BaseNetwork((1.0, 1.0)),
        present=("bus",),
        capacity=10.0,
        redeploy_s=redeploy_s,
        events=(
            Event(Kind.ARRIVES, 20.0, "car"),
            Event(Kind.CAPACITY, 40.0, capacity=12.0),
            Event(Kind.DEPARTS, 10.0, "bus"),
        ),
        restarts=restarts,
        stream_rate=10,
    )


def start(trace: Trace) -> Course:
    return Course.start(Scene(trace.to_benchmark("by_hand")))


def decide(course: Course, *names: str) -> Course:
    """Take these options one after another."""
    for name in names:
        course = course.after(course.options[name], name)
    return course


def with_another_future(trace: Trace, known: int) -> Trace:
    """The same up to the event behind the first `known` ones: how long that one lasts is another, nothing that comes
    afterwards does, and other things come.
    """
    now = replace(trace.events[known], lasts_s=trace.events[known].lasts_s + 77.0)
    most = max(moment.capacity for moment in trace.moments)
    other = (Event(Kind.CAPACITY, 11.0, capacity=2 * most), Event(Kind.CAPACITY, 300.0, capacity=3 * most))
    return replace(trace, events=(*trace.events[:known], now, *other))
