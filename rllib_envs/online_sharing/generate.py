"""Random traces: applications as in `stem_sharing/generate.py` come and go on a box whose capacity drifts.

Arrivals, departures and changes of the capacity are independent Poisson processes: the more applications there are,
the sooner one departs. The capacity's logarithm is a random walk between two bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.online_sharing.trace import Event, Kind, Restarts, Trace
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.generate import DIGITS, STREAM_RATE, random_application, random_network
from rllib_envs.stem_sharing.task import Task

FREEZE_POINTS = 6
"""Of each application at most, so that an exact solution takes about 40 ms."""
EVENTS = (8, 20)
STAY_S = (20.0, 200.0)
"""Seconds from one event to the next: users who look for something, and other programs that use the box."""
REDEPLOY_S = (3.0, 30.0)
"""Seconds without detections: some models are read from a disk, and run for the first time."""
CHANGES = 0.35
"""Share of the events in which the capacity changes, where as many applications are there as there are on average."""
STEP = 0.2
"""Standard deviation of a change of the capacity's logarithm."""
DRIFT = 1.6
"""The capacity stays within this factor of what it was at first."""
LEAST = 1.3
"""Times the cost of the cheapest schedule of all applications, that the capacity is at least."""
MOST = 0.4
"""Whole networks at full rate, that the capacity is at most at first, beside the least one."""


class _Users:
    """Who is there. Half as many as there may be at most are there in the beginning, and on average."""

    def __init__(self, rng: np.random.Generator, most: int) -> None:
        self._rng, self._most, self._usual = rng, most, max(1.0, most / 2)
        self.absent = list(range(2 * most))
        self.present: list[int] = []
        for _ in range(max(1, most // 2)):
            self.swap(Kind.ARRIVES)

    def rates(self) -> dict[Kind, float]:
        """Events of each kind, in the mean time between two when as many are there as usual."""
        here = len(self.present)
        moves = (1 - CHANGES) / 2
        return {
            Kind.ARRIVES: moves if here < self._most else 0.0,
            Kind.DEPARTS: moves * here / self._usual if here > 1 else 0.0,
            Kind.CAPACITY: CHANGES,
        }

    def swap(self, kind: Kind) -> int:
        """Somebody arrives or departs; who."""
        here, there = (self.absent, self.present) if kind is Kind.ARRIVES else (self.present, self.absent)
        there.append(here.pop(int(self._rng.integers(len(here)))))
        return there[-1]


def random_trace(rng: np.random.Generator, most: int, event_length: EventLength) -> Trace:
    """A trace with `most` applications at a time. Some come back after they have departed."""
    network, found = random_network(rng)
    points = [0, *sorted(rng.permutation(found[1:])[: FREEZE_POINTS - 1].tolist())]
    apps = [random_application(rng, f"app_{index}", points, network.layers) for index in range(2 * most)]
    least = LEAST * Task(tuple(apps), network, 0.0, STREAM_RATE).least
    first = DRIFT * least + MOST * network.total * STREAM_RATE * float(rng.beta(1.0, 1.5))
    capacity = first
    users = _Users(rng, most)
    present = tuple(users.present)
    stay_s, redeploy_s = _between(rng, STAY_S), _between(rng, REDEPLOY_S)
    events = []
    for _ in range(int(rng.integers(EVENTS[0], EVENTS[1] + 1))):
        rates = users.rates()
        kind = list(rates)[int(rng.choice(len(rates), p=np.array([*rates.values()]) / sum(rates.values())))]
        if kind is Kind.CAPACITY:
            capacity = float(np.clip(capacity * np.exp(rng.normal(0.0, STEP)), first / DRIFT, first * DRIFT))
            happened = Event(kind, 0.0, capacity=round(capacity, DIGITS))
        else:
            happened = Event(kind, 0.0, app_id=apps[users.swap(kind)].app_id)
        lasts_s = float(rng.exponential(stay_s / sum(users.rates().values())))
        events.append(replace(happened, lasts_s=max(round(lasts_s, 1), 0.1)))
    seen = {event.app_id for event in events} | {apps[app].app_id for app in present}
    return Trace(
        applications=tuple(app for app in apps if app.app_id in seen),
        network=network,
        present=tuple(apps[app].app_id for app in present),
        capacity=round(first, DIGITS),
        redeploy_s=round(redeploy_s, 1),
        events=tuple(events),
        restarts=Restarts(str(rng.choice(list(Restarts)))),
        stream_rate=STREAM_RATE,
        event_length=event_length,
    )


def random_suite(sizes: Sequence[int], count: int, seed: int, event_length: EventLength) -> Iterator[Benchmark]:
    """`count` traces of each number of applications at a time. The same seed gives the same ones. Raises UserError."""
    if count < 1 or min(sizes, default=0) < 1:
        raise UserError(f"a suite needs at least one trace of at least one application, got {count} of {list(sizes)}")
    for size in sizes:
        for index in range(count):
            rng = np.random.default_rng([seed, size, index])
            yield random_trace(rng, size, event_length).to_benchmark(f"apps{size}_{index}")


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Evenly in its logarithm."""
    low, high = np.log(bounds)
    return float(np.exp(rng.uniform(low, high)))
