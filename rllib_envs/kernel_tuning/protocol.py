"""What a KernelMeasurer and its process say to each other, pickled over a private socket pair.

The process first sends that it is Ready. Then each request gets its answer, or an Exception, which is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from rllib_envs.cores import Core
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.module_task import Task

Schedule: TypeAlias = Gene | str
"""The choices of a gene, or a schedule of TVM's own search: its trace as JSON."""
OK = "ok"
INVALID = "invalid"
"""The decisions give no schedule."""
BUILD_ERROR = "build_error"
WRONG = "wrong"
"""The kernel runs and its output is not what it must be."""
TIMEOUT = "timeout"
CRASH = "crash"
DOUBTFUL = (TIMEOUT, CRASH)
"""What may come out otherwise the next time."""


class Failed(Exception):
    """A candidate does not count, for the reason that the text gives."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


class Ready(NamedTuple):
    """What the process works with."""

    peak_gflops: float
    """Of one core."""
    version: str
    """Of TVM."""
    target: str
    """What TVM compiles for where a task doesn't say."""


class Open(NamedTuple):
    """Asks for a task's gene space, and has everything for its genes prepared."""

    task: Task


class Opened(NamedTuple):
    space: GeneSpace
    design: int
    """Which design space it is."""
    designs: int
    """How many there are."""


class Canonical(NamedTuple):
    """Asks which schedules genes stand for. Nothing is built."""

    task: Task
    genes: tuple[Gene, ...]


class Measure(NamedTuple):
    """A candidate to build, verify and time."""

    task: Task
    schedule: Schedule | None
    """None for what TVM makes of the operator without a schedule."""
    core: Core = frozenset()
    """Where to run it; anywhere when empty."""


class WriteDatabase(NamedTuple):
    """Has what was measured added to TVM's tuning records in a folder."""

    task: Task
    measured: tuple[tuple[Schedule, float], ...]
    """Schedules and seconds."""
    folder: str


Request = Open | Canonical | Measure | WriteDatabase


@dataclass(frozen=True)
class Measured:
    """How fast a candidate is, or why it does not count."""

    status: str
    """`OK` or one of the other names above."""
    seconds: float = 0.0
    """Of one run; 0 when it does not count."""
    spread: float = 0.0
    """How much slower the median of the runs was than the fastest, as a share."""
    reason: str = ""
    """In words; empty when it counts."""
    canonical: Gene | None = None
    """The gene of the decisions that TVM followed; None where it got to none."""
    build_seconds: float = 0.0
    """From gene to machine code."""
    run_seconds: float = 0.0
    """Verifying and timing."""
