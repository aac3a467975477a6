"""Time generated code in core cycles, on machines that are shared and whose clock varies.

Seconds are a poor reward: the clock of one core drifts by a third with load and temperature. So every sample
is taken between two probes, chains of dependent operations whose length in cycles is known, which tell
how long a cycle is at that moment. Samples during which the scheduler interfered or the clock changed are
dropped. Whatever else disturbs code makes it slower, a neighbour on the same core above all, so the fastest samples
count: sampling ends as soon as several agree on the shortest time. `timer_x86.py` and `timer_portable.py` take the
samples.
"""

from __future__ import annotations

import resource
import statistics
import time
from abc import ABC, abstractmethod
from heapq import nsmallest
from math import ceil
from typing import ClassVar, NamedTuple

SINGLE_RUN_S = 1.5e-3
"""A run longer than this is not repeated: its own length averages out what a repetition would. Nor are runs that are
as long together repeated further."""
AGREEING = 5
"""Samples that have to agree, so that none is the result by luck; fewer of long runs. The result is their median."""
AGREEMENT = 0.01
"""Largest relative difference between samples that agree; on a quiet machine they differ by 0.4 %."""
SAMPLING_LIMIT_S = 10e-3
"""Sampling ends after this even without AGREEING clean samples, or after three budgets if that is longer."""
STEADY = 0.015
"""Largest relative difference between the two probes of a clean sample."""
CLOCK_RANGE = 0.03
"""Largest relative distance from the fastest clock of a series. Further below, both probes were disturbed alike."""
CALIBRATION_TRIES = 100
OWN_USAGE = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
"""Whose preemptions to count: this thread's, or the process's on systems that count no thread's."""


class Slice(NamedTuple):
    """Seconds that the parts of a sample took, without what measuring them takes."""

    before: float
    """The probe before the calls."""
    calls: float
    after: float
    """The probe after the calls."""


class Sample(NamedTuple):
    """One slice: some calls between two probes."""

    cycles: float
    """Core cycles of one call."""
    seconds: float
    """Duration of one call."""
    clock_hz: float
    """Core clock during the sample."""
    clean: bool
    """Neither was the thread preempted nor did the clock change."""


class Timing(NamedTuple):
    """Result of repeated sampling."""

    cycles: float
    """Core cycles of one call: the median of the fastest clean samples."""
    clock_hz: float
    """Median core clock."""
    samples: int
    """Number of clean samples; 0 when there were none and the others had to do."""
    variation: float
    """Half the interquartile range of the samples divided by their median; 0 for a single one."""


class Timer(ABC):
    """Samples code at an address, which takes the addresses of tensors, until the result can be trusted."""

    source: ClassVar[str]
    """What the time is read from."""
    probe_cycles: ClassVar[int]
    """Core cycles of a probe."""
    slice_s: ClassVar[float]
    """Length of a sample: long against reading the time, short against the scheduler's milliseconds."""

    @abstractmethod
    def _slice(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Slice:
        """Run a probe, call the code so many times with up to MAX_TENSORS tensors, and run a probe again."""

    def sample(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Sample:
        """Call the code at address `kernel` with the tensors `calls` times between two probes."""
        switches = resource.getrusage(OWN_USAGE).ru_nivcsw
        busy = time.thread_time()
        before, passed, after = self._slice(kernel, tensors, calls)
        busy = time.thread_time() - busy
        switched = resource.getrusage(OWN_USAGE).ru_nivcsw != switches
        if switched:  # what other threads ran in between is not in the thread's processor time
            passed = min(passed, busy)
        steady = abs(before - after) <= STEADY * min(before, after)
        # Whatever disturbs a probe makes it longer, and must not make the kernel seem faster.
        probe = (before + after) / 2 if steady else min(before, after)
        clock_hz = self.probe_cycles / max(probe, 1e-9)
        seconds = passed / calls
        return Sample(seconds * clock_hz, seconds, clock_hz, clean=steady and not switched)

    def time(self, kernel: int, tensors: tuple[int, ...], budget_s: float, first: Sample | None = None) -> Timing:
        """Sample until the fastest agree, for about `budget_s` seconds at most. `first` is a sample of one call."""
        first = first or self.sample(kernel, tensors, 1)
        if first.seconds > SINGLE_RUN_S:
            return Timing(first.cycles, first.clock_hz, 1, 0.0)
        calls = max(1, int(self.slice_s / max(first.seconds, 1e-9)))
        needed = min(AGREEING, ceil(SINGLE_RUN_S / max(first.seconds, 1e-9)))
        began = time.perf_counter()
        limit_s = max(3 * budget_s, SAMPLING_LIMIT_S)
        clean: list[Sample] = []
        unclean: list[Sample] = []
        while (passed := time.perf_counter() - began) < limit_s:
            if len(clean) >= needed and (passed >= budget_s or _agree(clean, needed)):
                break
            sample = self.sample(kernel, tensors, calls)
            (clean if sample.clean else unclean).append(sample)
        clean = _at_one_clock(clean)
        return _summary(clean or _at_one_clock(unclean) or [first], len(clean), needed)


def _agree(samples: list[Sample], needed: int) -> bool:
    fastest = nsmallest(needed, [sample.cycles for sample in _at_one_clock(samples)])
    return len(fastest) == needed and fastest[-1] <= (1 + AGREEMENT) * fastest[0]


def _at_one_clock(samples: list[Sample]) -> list[Sample]:
    """Those near the fastest clock. Nothing makes a probe shorter than it is, but much makes it longer."""
    fastest = max((sample.clock_hz for sample in samples), default=0.0)
    return [sample for sample in samples if sample.clock_hz >= (1 - CLOCK_RANGE) * fastest]


def _summary(samples: list[Sample], clean: int, needed: int) -> Timing:
    cycles = sorted(sample.cycles for sample in samples)
    low, middle, high = (cycles[len(cycles) * quarter // 4] for quarter in (1, 2, 3))
    variation = (high - low) / (2 * middle) if middle else 0.0
    clock_hz = statistics.median(sample.clock_hz for sample in samples)
    return Timing(statistics.median(cycles[:needed]), clock_hz, clean, variation)
