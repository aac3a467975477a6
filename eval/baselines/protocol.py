"""What a baseline and the process of its library say to each other.

The process first sends that it is Ready, then an Answer to each Request, or a TunewrightError in its place.
"""

from __future__ import annotations

from typing import NamedTuple

from eval.baselines.limits import TuningLimits
from rllib_envs.cores import Core
from rllib_envs.errors import TunewrightError
from rllib_envs.loop_nest.backend.protocol import Measurement
from rllib_envs.loop_nest.statement import Statement

RUN_LIMIT_S = 20.0
"""Processor time of one run: a product that nobody has scheduled may be a hundred times slower than ours."""
RUN_LIMIT_ENDS = "SIGPROF"
"""The signal that ends the process at this limit."""


class NotAvailable(TunewrightError):
    """A baseline has no code for a statement."""


class Request(NamedTuple):
    """To measure what a baseline makes of a statement."""

    baseline: str
    statement: Statement
    limits: TuningLimits
    core: Core = frozenset()
    """Where to run it; anywhere when empty."""


class Answer(NamedTuple):
    """How fast it is, and how it came about."""

    measurement: Measurement
    how: str
    tuning_seconds: float
    """Wall time of compiling and searching, whenever that was done."""
    trials: int
    """Schedules that were run in the search; 0 where there was none."""
