"""What is to be minimised: how badly an application does its work at each freeze point and rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np

from rllib_envs.names import choose
from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.events import Detection, EventLength, Looks, detection, missed, outvoted

VOTED = "-x"
"""Suffix of metrics that count alerts of several frames in a row."""
METRICS = ("f1", "fnr", "fpr", "f1-x", "fnr-x", "fpr-x")


class Aggregate(StrEnum):
    """How the losses of all applications become one."""

    MEAN = "avg"
    WORST = "min"
    """Max-min fairness: the application that does worst counts."""


@dataclass(frozen=True)
class Quality:
    """Which loss counts, and how. All losses are from 0, the best, to 1."""

    metric: str = "f1"
    """"f1" is 1 - F1, "fnr" the share of events missed, "fpr" the share of alerts that are false."""
    aggregate: Aggregate = Aggregate.MEAN
    event_length: EventLength = EventLength.CORRECTED

    def __post_init__(self) -> None:
        choose(self.metric, METRICS, "metric")

    def detection(self, app: Application, variant: Variant, rate: float, stream_rate: float) -> Detection:
        """What a variant detects that looks at `rate` of `stream_rate` frames/s."""
        looks = Looks.at(rate, stream_rate, app.event_ms, self.event_length)

        def unseen(hit: float) -> float:
            if self.metric.endswith(VOTED):
                return outvoted(hit, looks, app.correlation, max(app.votes, 1))
            return missed(hit, looks, app.correlation)

        return detection(unseen(variant.hit), 1 - unseen(variant.false_alarm), app.frequency)

    def loss(self, found: Detection) -> float:
        match self.metric.removesuffix(VOTED):
            case "fnr":
                return found.false_negative
            case "fpr":
                return found.false_positive
        return 1 - found.f1

    def together(self, losses: Sequence[float]) -> float:
        """The loss of all applications."""
        return max(losses) if self.aggregate is Aggregate.WORST else sum(losses) / len(losses)

    def to_spec(self) -> dict[str, Any]:
        return {"metric": self.metric, "agg": str(self.aggregate), "event_length": str(self.event_length)}


@lru_cache(maxsize=4096)
def losses(app: Application, quality: Quality, rates: tuple[float, ...], stream_rate: float) -> np.ndarray:
    """float64 [variants, rates]: what each choice for an application loses. Read-only."""
    table = np.array(
        [
            [quality.loss(quality.detection(app, variant, rate, stream_rate)) for rate in rates]
            for variant in app.variants
        ]
    )
    table.flags.writeable = False
    return table
