"""What a Measurer and its measuring process say to each other, pickled over a private socket pair.

The process first sends that it is Ready. Then each Request gets one Measurement. In place of either comes an
Exception, which the Measurer raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rllib_envs.cores import Core
from rllib_envs.loop_nest.backend.fma_peak import Peak
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.statement import Statement


class Ready(NamedTuple):
    """How a measuring process compiles and times."""

    backend: str
    """The backend chosen."""
    time_source: str
    """What its timer reads the time from."""
    peak: Peak
    """The peak with the vectors of that backend."""


class Request(NamedTuple):
    """A candidate to measure."""

    statement: Statement
    loops: Schedule | None
    """None for what numpy makes of the statement without a schedule."""
    core: Core = frozenset()
    """Where to run it; anywhere when empty."""


@dataclass(frozen=True)
class Measurement:
    """How fast a candidate is, and whether it counts. Speeds are 0 when it does not."""

    gflops: float
    """`fraction_of_peak` of the peak GFLOPS: normalised by the clock, so it repeats on a busy machine."""
    fraction_of_peak: float
    flop_per_cycle: float
    seconds: float
    """Duration of one run at the clock that belongs to `gflops`."""
    samples: int
    """Clean samples behind the numbers; 0 when the machine was too busy for any."""
    error: str = ""
    """Why the candidate does not count: crash, time-out, wrong result, implausible. Empty when it does."""
    variation: float = 0.0
    """How much the samples differ: half their interquartile range divided by their median."""

    @property
    def verified(self) -> bool:
        """Whether the results were right and the speed is believable."""
        return not self.error

    @classmethod
    def failed(cls, error: str) -> Measurement:
        """The measurement of a candidate that does not count."""
        return cls(0.0, 0.0, 0.0, 0.0, 0, error)
