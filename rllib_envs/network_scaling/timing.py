"""How long a network takes for a batch, and each of its parts where it stands.

With nothing but PyTorch and the standard library, so that it runs on the device that a network is for. On a processor
the thread's own time is counted, with one thread: what others do on the machine is then no part of it. Parts are timed
in the middle of the network, one after the other, because a part that is run alone again and again finds all of its
data in the cache, and takes 4 to 10 % less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.latency_file import BATCH
from rllib_envs.network_scaling.networks import Network, make_network
from rllib_envs.one_thread import one_thread

LEAST_RUNS, MOST_RUNS = 5, 50
RUN_SECONDS = 1.0
"""For the runs of a round, of which there are LEAST_RUNS at any rate."""
WARM_UP_RUNS = 2
STEADY = 0.10
"""By how much the medians of two rounds may differ."""
ATTEMPTS = 3
"""Rounds are repeated so often on a machine that is too busy."""
DEVICES = ("cpu", "cuda")

Clock = Callable[[], float]


class Timing(NamedTuple):
    """Of a whole network, for a batch."""

    seconds: float
    """The median of all runs."""
    repeat: float
    """By how much the medians of the two rounds differ, as a share."""

    @property
    def steady(self) -> bool:
        return self.repeat <= STEADY


class PartTimes(NamedTuple):
    """Of each part of a network, in its place."""

    seconds: dict[str, float]
    """By the name of the part; the median of all runs, and of all blocks of that name."""
    repeat: float
    """By how much the sums of the two rounds differ, as a share."""


def time_network(architecture: Architecture, device: str = "cpu", batch: int = BATCH) -> Timing:
    """Two rounds of runs of the whole network. UserError where PyTorch has no such device here."""
    with _ready(architecture, device, batch) as (network, images, clock):
        timing = Timing(0.0, 0.0)
        for _ in range(ATTEMPTS):
            rounds = [_round(lambda: [_whole(network, images, clock)]) for _ in range(2)]
            first, second = (statistics.median(run[0] for run in runs) for runs in rounds)
            middle = statistics.median(run[0] for runs in rounds for run in runs)
            timing = Timing(middle, abs(first - second) / min(first, second))
            if timing.steady:
                break
        return timing


def time_parts(architecture: Architecture, device: str = "cpu", batch: int = BATCH) -> PartTimes:
    """Two rounds of runs, part by part. MeasuringError where the machine is too busy for two rounds that agree."""
    with _ready(architecture, device, batch) as (network, images, clock):
        medians, repeat = time_row(network.parts, images, clock, architecture.key)
    times: dict[str, list[float]] = {}
    for name, median in zip(network.names, medians, strict=True):
        times.setdefault(name, []).append(median)
    return PartTimes({name: statistics.median(found) for name, found in times.items()}, repeat)


def time_row(
    parts: Iterable[Callable[[torch.Tensor], torch.Tensor]], inputs: torch.Tensor, clock: Clock, what: str
) -> tuple[list[float], float]:
    """Seconds of each part of a row in its place, medians of all runs; and by how much the sums of two rounds differ.

    `what` is timed, for the message of a MeasuringError, where two rounds don't agree.
    """
    row = list(parts)
    for _ in range(ATTEMPTS):
        rounds = [_round(lambda: _part_by_part(row, inputs, clock)) for _ in range(2)]
        first, second = (sum(_medians(runs)) for runs in rounds)
        repeat = abs(first - second) / min(first, second)
        if repeat <= STEADY:
            return _medians(rounds[0] + rounds[1]), repeat
    raise MeasuringError(
        f"two rounds of timing {what} differ by {100 * repeat:.0f} %, and at most {100 * STEADY:.0f} % is allowed; the "
        "machine is too busy, so try again when it is idle"
    )


def _medians(runs: list[list[float]]) -> list[float]:
    return [statistics.median(times) for times in zip(*runs, strict=True)]


def _whole(network: Network, images: torch.Tensor, clock: Clock) -> float:
    began = clock()
    network(images)
    return clock() - began


def _part_by_part(
    parts: Iterable[Callable[[torch.Tensor], torch.Tensor]], inputs: torch.Tensor, clock: Clock
) -> list[float]:
    times, passed = [], inputs
    for part in parts:
        began = clock()
        passed = part(passed)
        times.append(clock() - began)
    return times


def _round(run: Callable[[], list[float]]) -> list[list[float]]:
    """Several runs, as many as there is time for."""
    runs: list[list[float]] = []
    began = time.perf_counter()
    while len(runs) < LEAST_RUNS or (len(runs) < MOST_RUNS and time.perf_counter() - began < RUN_SECONDS):
        runs.append(run())
    return runs


@contextmanager
def _ready(architecture: Architecture, device: str, batch: int) -> Iterator[tuple[Network, torch.Tensor, Clock]]:
    """The network with a batch of random images on the device, warmed up, and the device's clock."""
    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}; known: {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("PyTorch finds no CUDA device here; measure with --device cpu, or on a machine that has one")
    with one_thread(), torch.inference_mode():
        network = make_network(architecture).eval().to(device)
        size = architecture.resolution
        images = torch.rand(batch, architecture.channels, size, size, device=device)
        images = images.contiguous(memory_format=torch.channels_last)
        for _ in range(WARM_UP_RUNS):
            network(images)
        yield network, images, _cuda_clock if device == "cuda" else time.thread_time


def _cuda_clock() -> float:
    """A GPU works on after its kernels were started, so it is waited for."""
    torch.cuda.synchronize()
    return time.perf_counter()
