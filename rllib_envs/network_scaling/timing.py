"""How long a network takes for a batch, and each of its parts where it stands.

With nothing but PyTorch and the standard library, so that it runs on the device that a network is for. On a processor
the thread's own time is counted, with one thread: what others do on the machine is then no part of it. Parts are timed
in the middle of the network, one after the other, because a part that is run alone again and again finds all of its
data in the cache, and takes 4 to 10 % less.

A processor is not always as fast: neighbours on the same core, heat and the governor of its clock change it by half,
for minutes. So a gauge, which is always the same work, is timed before and after each run, and what a run takes is
divided by what the gauge took and multiplied by its fastest. Times of several measurements are comparable by their
`pace`.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch

from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.latency_file import BATCH
from rllib_envs.network_scaling.networks import Network, make_network
from rllib_envs.torch_threads import torch_threads

LEAST_RUNS, MOST_RUNS = 5, 50
RUN_SECONDS = 1.0
"""For the runs of a round, of which there are LEAST_RUNS at any rate."""
WARM_UP_RUNS = 3
STEADY = 0.10
"""By how much the medians of two rounds may differ."""
ATTEMPTS = 3
"""Rounds are repeated so often on a machine that is too busy."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, as in glibc's malloc.h."""
KEPT_BYTES, LARGEST_KEPT = 2**31 - 1, 32 << 20
"""The most that glibc takes for the two."""
GAUGE_CHANNELS, GAUGE_SIZE, GAUGE_RUNS = 32, 32, 4
"""Of its convolutions; so small that it leaves most of the caches as they were."""
DEVICES = ("cpu", "cuda")

Clock = Callable[[], float]
Part = Callable[[torch.Tensor], torch.Tensor]


class Timing(NamedTuple):
    """Of some things that are run one after the other."""

    seconds: list[float]
    """Of each, at the pace below; the median of all runs."""
    repeat: float
    """By how much the sums of the two rounds differ, as a share."""
    pace: float
    """Seconds that the gauge took at its fastest; 1 where there is none. Twice as many: half as fast a processor."""

    @property
    def total(self) -> float:
        return sum(self.seconds)

    @property
    def steady(self) -> bool:
        return self.repeat <= STEADY


class PartTimes(NamedTuple):
    """Of each part of a network, in its place."""

    seconds: dict[str, float]
    """By the name of the part; the median of all blocks of that name."""
    repeat: float
    pace: float
    """Both as in `Timing`."""


class Run(NamedTuple):
    pace: float
    """Seconds that the gauge took around it."""
    seconds: list[float]


def time_network(architecture: Architecture, device: str = "cpu", batch: int = BATCH) -> Timing:
    """Of the whole network, for a batch. UserError where PyTorch has no such device here."""
    with _ready(architecture, device, batch) as (network, images, clock):
        return _time([network], images, clock)


def time_parts(architecture: Architecture, device: str = "cpu", batch: int = BATCH) -> PartTimes:
    """Of a network, part by part. MeasuringError where the machine is too busy for two rounds that agree."""
    with _ready(architecture, device, batch) as (network, images, clock):
        timing = time_row(network.parts, images, clock, architecture.key)
    times: dict[str, list[float]] = {}
    for name, seconds in zip(network.names, timing.seconds, strict=True):
        times.setdefault(name, []).append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    return PartTimes(medians, timing.repeat, timing.pace)


def time_row(parts: Iterable[Part], inputs: torch.Tensor, clock: Clock, what: str) -> Timing:
    """Of each part of a row in its place.

    `what` is timed, for the message of a MeasuringError, where two rounds don't agree.
    """
    timing = _time(list(parts), inputs, clock)
    if timing.steady:
        return timing
    raise MeasuringError(
        f"two rounds of timing {what} differ by {100 * timing.repeat:.0f} %, and at most {100 * STEADY:.0f} % is "
        "allowed; the machine is too busy, so try again when it is idle"
    )


def _time(row: list[Part], inputs: torch.Tensor, clock: Clock) -> Timing:
    """By two rounds that agree, if there are such among some attempts."""
    _keep_memory()
    gauge = _gauge(clock) if inputs.device.type == "cpu" else lambda: 1.0
    for _ in range(WARM_UP_RUNS):
        _part_by_part(row, inputs, clock)
    timing = Timing([], 0.0, 1.0)
    for _ in range(ATTEMPTS):
        rounds = [_round(row, inputs, clock, gauge) for _ in range(2)]
        pace = min(run.pace for runs in rounds for run in runs)
        first, second = (sum(_medians(runs, pace)) for runs in rounds)
        timing = Timing(_medians(rounds[0] + rounds[1], pace), abs(first - second) / min(first, second), pace)
        if timing.steady:
            break
    return timing


def _medians(runs: list[Run], pace: float) -> list[float]:
    at_pace = ([seconds * pace / run.pace for seconds in run.seconds] for run in runs)
    return [statistics.median(times) for times in zip(*at_pace, strict=True)]


def _round(row: list[Part], inputs: torch.Tensor, clock: Clock, gauge: Clock) -> list[Run]:
    """Several runs, as many as there is time for."""
    runs: list[Run] = []
    began, before = time.perf_counter(), gauge()
    while len(runs) < LEAST_RUNS or (len(runs) < MOST_RUNS and time.perf_counter() - began < RUN_SECONDS):
        seconds = _part_by_part(row, inputs, clock)
        after = gauge()
        runs.append(Run((before + after) / 2, seconds))
        before = after
    return runs


def _part_by_part(row: list[Part], inputs: torch.Tensor, clock: Clock) -> list[float]:
    times, passed = [], inputs
    for part in row:
        began = clock()
        passed = part(passed)
        times.append(clock() - began)
    return times


@cache
def _keep_memory() -> None:
    """Let the process keep the memory of what a network gives out, for the rest of its life, where its libc is glibc.

    Else what is given back and asked for again, page by page, makes any part of a network twice as slow, or none,
    depending on all that the process did before.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)


def _gauge(clock: Clock) -> Clock:
    """Some convolutions, a millisecond of a processor of today."""
    convolution = torch.nn.Conv2d(GAUGE_CHANNELS, GAUGE_CHANNELS, 3, padding=1)
    images = torch.ones(1, GAUGE_CHANNELS, GAUGE_SIZE, GAUGE_SIZE)

    def seconds() -> float:
        began = clock()
        for _ in range(GAUGE_RUNS):
            convolution(images)
        return clock() - began

    seconds()
    return seconds


@contextmanager
def _ready(architecture: Architecture, device: str, batch: int) -> Iterator[tuple[Network, torch.Tensor, Clock]]:
    """The network with a batch of random images on the device, and the device's clock."""
    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}; known: {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("PyTorch finds no CUDA device here; measure with --device cpu, or on a machine that has one")
    with torch_threads(1), torch.inference_mode():
        network = make_network(architecture).eval().to(device)
        size = architecture.resolution
        images = torch.rand(batch, architecture.channels, size, size, device=device)
        images = images.contiguous(memory_format=torch.channels_last)
        yield network, images, _cuda_clock if device == "cuda" else time.thread_time


def _cuda_clock() -> float:
    """A GPU works on after its kernels were started, so it is waited for."""
    torch.cuda.synchronize()
    return time.perf_counter()
