"""What a NetworkProcess and its process say to each other, pickled over a private socket pair."""

from __future__ import annotations

from typing import NamedTuple

from rllib_envs.cores import Core
from rllib_envs.kernel_tuning.module_task import ModuleTask


class NetworkTask(NamedTuple):
    """A kernel of a network."""

    task: ModuleTask
    weight: int
    """How often the network calls it."""


class LeftOut(NamedTuple):
    """A function of a network that is not tuned."""

    name: str
    weight: int
    reason: str


class Ready(NamedTuple):
    """What the process works with."""

    version: str
    """Of TVM."""
    torch: str
    """Version of PyTorch."""


class Extract(NamedTuple):
    """Asks for the kernels of a network."""

    network: str


class Extracted(NamedTuple):
    tasks: tuple[NetworkTask, ...]
    left_out: tuple[LeftOut, ...]


class Latency(NamedTuple):
    """Asks how long a network takes from input to output."""

    network: str
    how: str
    """One of `WAYS`."""
    folder: str = ""
    """Of the tuning records, for `TUNED`."""
    core: Core = frozenset()
    """Where to run; anywhere when empty."""


class Timed(NamedTuple):
    """Answers `Latency`."""

    seconds: float
    """The fastest of repeated runs."""
    median: float
    error: float
    """The largest difference of an output from PyTorch's, relative to the largest output."""
    applied: int = 0
    """How many of the network's functions had a record."""


TORCH, UNTUNED, TUNED = "torch", "untuned", "tuned"
WAYS = (TORCH, UNTUNED, TUNED)
"""PyTorch in one thread; TVM without schedules; TVM with tuning records."""
Request = Extract | Latency
