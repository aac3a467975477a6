"""The tasks that several tests look at."""

from __future__ import annotations

from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.quality import Quality
from rllib_envs.stem_sharing.task import Task

POINTS = (1, 10, 21, 30, 40)
ACCURACIES = ((1.0, 0.8, 0.6, 0.6, 0.2), (1.0, 1.0, 0.8, 0.6, 0.1), (1.0, 1.0, 1.0, 0.8, 0.6))
COMPATIBLE = Quality(event_length=EventLength.COMPATIBLE)


def three_applications(budget: float = 400.0, quality: Quality = COMPATIBLE) -> Task:
    """41 layers of latency 1, and applications for which keeping layers costs more or less accuracy.

    The least 1 - F1 within a budget of 400 is 0.129046 (Jiang et al. 2018, the tests of their scheduler).
    """
    apps = tuple(
        Application(
            f"app_{index}",
            tuple(Variant(point, hit, 0.1) for point, hit in zip(POINTS, hits, strict=True)),
            event_ms=5000.0,
            frequency=0.3,
            correlation=0.1,
        )
        for index, hits in enumerate(ACCURACIES)
    )
    return Task(apps, BaseNetwork((1.0,) * 41), budget, 15, quality)
