"""One task: applications, the network that they come from, the stream, and what computing may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.application import Application, all_different
from rllib_envs.stem_sharing.checked import finite, member, no_others, whole
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.quality import Aggregate, Quality, losses
from rllib_envs.stem_sharing.schedule import Choice, Schedule, cost

PROBLEM = "stem_sharing"
TOLERANCE = 1e-9
"""Of the budget, relatively: a sum of the same numbers in another order is within it."""


class TooLittle(UserError):
    """Not even the cheapest schedule is within the budget."""


@dataclass(frozen=True)
class Task:
    """What a scheduler is asked."""

    applications: tuple[Application, ...]
    network: BaseNetwork
    budget: float
    """Latency times frames/s, in the unit of the network's latencies."""
    stream_rate: int = 15
    """Frames/s of the video."""
    quality: Quality = field(default_factory=Quality)
    rates: tuple[float, ...] = ()
    """Frames/s to choose from, rising; every whole number up to the stream's where none are given."""

    def __post_init__(self) -> None:
        if not self.applications:
            raise UserError("there are no applications to schedule; give at least one")
        if not self.rates:
            object.__setattr__(self, "rates", tuple(float(rate) for rate in range(1, self.stream_rate + 1)))
        all_different(self.applications)
        for app in self.applications:
            if app.variants[-1].freeze_point > self.network.layers:
                raise UserError(
                    f"application {app.app_id!r} has freeze point {app.variants[-1].freeze_point}, "
                    f"but the network has {self.network.layers} layers"
                )

    @cached_property
    def losses(self) -> tuple[np.ndarray, ...]:
        """For each application float64 [variants, rates]."""
        return tuple(losses(app, self.quality, self.rates, float(self.stream_rate)) for app in self.applications)

    @cached_property
    def cheapest(self) -> Schedule:
        """As much as possible is shared, at the lowest rate: nothing costs less."""
        return tuple(Choice(app.variants[-1].freeze_point, self.rates[0]) for app in self.applications)

    @property
    def least(self) -> float:
        """What the cheapest schedule costs."""
        return cost(self.network, self.cheapest)

    def check_budget(self) -> None:
        """TooLittle when no schedule is within the budget."""
        if not self.affords(self.least):
            raise TooLittle(
                f"a budget of {self.budget:g} is too little for {len(self.applications)} applications: the cheapest "
                f"schedule costs {self.least:.4f}"
            )

    @property
    def most(self) -> float:
        """The highest cost that is within the budget; sums are rounded."""
        return self.budget * (1 + TOLERANCE)

    def affords(self, cost: float) -> bool:
        return cost <= self.most

    def app_losses(self, schedule: Schedule) -> list[float]:
        """The loss of each application."""
        return [
            self.quality.loss(self.quality.detection(app, app.variant(point), rate, float(self.stream_rate)))
            for app, (point, rate) in zip(self.applications, schedule, strict=True)
        ]

    def loss(self, schedule: Schedule) -> float:
        """Of all applications together."""
        return self.quality.together(self.app_losses(schedule))

    def cost(self, schedule: Schedule) -> float:
        return cost(self.network, schedule)

    def to_benchmark(self, name: str) -> Benchmark:
        spec = {
            "applications": [app.to_spec() for app in self.applications],
            "network": self.network.to_spec(),
            "stream_fps": self.stream_rate,
            "budget": self.budget,
            "quality": self.quality.to_spec(),
        }
        return Benchmark(name, PROBLEM, spec)

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> Task:
        """Raises UserError when the spec makes no sense."""
        spec, what = benchmark.spec, f"benchmark {benchmark.name!r}"
        no_others(spec, ("applications", "network", "stream_fps", "budget", "quality"), what)
        applications, network = spec.get("applications"), spec.get("network")
        if not isinstance(applications, Sequence) or not isinstance(network, dict):
            raise UserError(f"{what} needs applications (a list) and a network (an object)")
        return cls(
            tuple(Application.from_spec(app) for app in applications),
            BaseNetwork.from_spec(network),
            finite(spec.get("budget"), f"budget of {what}", low=0),
            whole(spec.get("stream_fps", 15), f"stream_fps of {what}", low=1),
            quality_from_spec(spec.get("quality", {})),
        )


def quality_from_spec(spec: Any) -> Quality:
    """Raises UserError for unknown names."""
    if not isinstance(spec, dict):
        raise UserError(f"quality has to be an object with metric, agg and event_length, got {spec!r}")
    no_others(spec, ("metric", "agg", "event_length"), "quality")
    return Quality(
        str(spec.get("metric", "f1")),
        member(Aggregate, spec.get("agg", Aggregate.MEAN), "agg"),
        member(EventLength, spec.get("event_length", EventLength.CORRECTED), "event_length"),
    )
