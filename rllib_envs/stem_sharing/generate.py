"""Random tasks: what applications on one stream may look like, and more.

Networks, curves and events are drawn from ranges wide enough to have those of Jiang et al. 2018 (section 6: MobileNet,
nine applications, events of 200 to 1200 ms, a correlation of 0.1) well inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.quality import Quality
from rllib_envs.stem_sharing.task import Task

STREAM_RATE = 15
"""Frames/s."""
DIGITS = 4


def random_network(rng: np.random.Generator) -> tuple[BaseNetwork, tuple[int, ...]]:
    """A network whose slowest layer has latency 1, and points at which it can be frozen, 0 the first of them."""
    layers = int(rng.integers(40, 120))
    latencies = rng.gamma(0.5, 1.0, layers) * np.linspace(1.0, rng.uniform(0.2, 1.0), layers)
    latencies = (latencies / latencies.max()).clip(1e-3).round(DIGITS)
    count = int(rng.integers(6, 20))
    points = rng.choice(np.arange(1, layers), count, replace=False)
    return BaseNetwork(tuple(latencies.tolist())), (0, *sorted(points.tolist()))


def random_application(rng: np.random.Generator, app_id: str, points: Sequence[int], layers: int) -> Application:
    """The more layers it keeps, the less accurate it is; mostly, since trainings differ by chance."""
    share = np.array(points) / layers
    best, lost = rng.uniform(0.6, 0.99), rng.uniform(0.02, 0.5)
    hits = best - lost * share ** rng.uniform(1.0, 8.0) + rng.normal(0.0, 0.004, len(points))
    alarm = rng.uniform(0.005, 0.3) * (1 + rng.uniform(0.0, 1.0) * share)
    variants = tuple(
        Variant(point, float(hit), float(false_alarm))
        for point, hit, false_alarm in zip(
            points, hits.clip(0.05, 1.0).round(DIGITS), alarm.clip(0.0, 0.9).round(DIGITS), strict=True
        )
    )
    return Application(
        app_id,
        variants,
        event_ms=float(rng.choice([200, 300, 500, 700, 1200])),
        frequency=round(float(rng.uniform(0.01, 0.6)), DIGITS),
        correlation=round(float(rng.choice([0.1, rng.uniform(0.0, 1.0)])), DIGITS),
    )


def random_task(rng: np.random.Generator, applications: int, event_length: EventLength) -> Task:
    """A task whose budget is at least that of the cheapest schedule, and at most that of one network at full rate for
    each of four applications.
    """
    network, points = random_network(rng)
    apps = [random_application(rng, f"app_{index}", points, network.layers) for index in range(applications)]
    cheapest = Task(tuple(apps), network, 0.0, STREAM_RATE).least
    most = network.total * STREAM_RATE * min(applications, 4) / 2
    budget = cheapest + (most - cheapest) * float(rng.beta(1.0, 1.5))
    quality = Quality(event_length=event_length)
    return Task(tuple(apps), network, round(max(budget, cheapest + 1e-3), DIGITS), STREAM_RATE, quality)


def random_suite(sizes: Sequence[int], count: int, seed: int, event_length: EventLength) -> Iterator[Benchmark]:
    """`count` tasks of each number of applications. The same seed gives the same tasks. Raises UserError."""
    if count < 1 or min(sizes, default=0) < 1:
        raise UserError(f"a suite needs at least one task of at least one application, got {count} of {list(sizes)}")
    for size in sizes:
        for index in range(count):
            rng = np.random.default_rng([seed, size, index])
            yield random_task(rng, size, event_length).to_benchmark(f"apps{size}_{index}")
