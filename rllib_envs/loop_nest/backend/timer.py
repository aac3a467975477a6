"""Time generated code in core cycles, on machines that are shared and whose clock varies.

Seconds are a poor reward: the clock of one core drifts by a third with load and temperature. So every sample
is taken between two probes, chains of dependent operations whose length in cycles is known, which tell
how long a cycle is at that moment, and between two bursts, as many operations as a core can do in that time. Bursts
take longer on a core that is shared with a neighbour, who may belong to another virtual machine, where no system tells.
Such samples are dropped, as are those during which the scheduler interfered or the clock changed. One more burst goes
ahead, because a core that has just begun to use wide vectors is throttled. Whatever else disturbs code makes it slower,
so the fastest samples count: sampling ends as soon as several agree on the shortest time. `timer_x86.py` and
`timer_portable.py` take the samples.
"""

from __future__ import annotations

import resource
import statistics
import time
from abc import ABC, abstractmethod
from heapq import nsmallest
from math import ceil, inf
from typing import ClassVar, NamedTuple

SINGLE_RUN_S = 1.5e-3
"""A run longer than this is not repeated: its own length averages out what a repetition would. Nor are runs that are
as long together repeated further."""
AGREEING = 5
"""Samples that have to agree, so that none is the result by luck; fewer of long runs. The result is their median."""
AGREEMENT = 0.01
"""Largest relative difference between samples that agree; on a quiet machine they differ by 0.4 %."""
SAMPLING_LIMIT_S = 10e-3
"""Sampling ends after this even without AGREEING clean samples, or after three budgets if that is longer. After a
series without a clean sample the next one ends after its budget unless it has one by then."""
PATIENCE_S = 50e-3
"""Sampling goes on for so much longer at most while there are too few clean samples; over all, for as long again as
without patience."""
STEADY = 0.015
"""Largest relative difference between the two probes of a clean sample."""
UNDISTURBED = 0.02
"""Largest relative distance of a clean sample's bursts from undisturbed ones. Those of a shared core are 3 to 120 %
longer. Bursts seem shorter where both probes were disturbed alike, and the code under test would, too."""
MULTIPLIERS = (1, 2, 3, 4)
"""Units for multiply-adds that a core may have; each starts one a cycle. Undisturbed bursts take one of four times."""
WHOLE = 0.01
"""Largest relative distance of an undisturbed burst from one of these times."""
LEARNING_S = 20e-3
"""For how long a timer looks for undisturbed bursts when it is made; it goes on doing so while it is used."""
CALIBRATION_TRIES = 100
OWN_USAGE = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
"""Whose preemptions to count: this thread's, or the process's on systems that count no thread's."""


class Slice(NamedTuple):
    """Seconds that the parts of a sample took, without what measuring them takes."""

    before: float
    """The probe before the calls."""
    burst: float
    """The second between that and the calls."""
    calls: float
    later_burst: float
    """Between the calls and the next."""
    after: float
    """The probe after the calls."""


class Sample(NamedTuple):
    """One slice: some calls between bursts and probes."""

    cycles: float
    """Core cycles of one call."""
    seconds: float
    """Duration of one call."""
    clock_hz: float
    """Core clock during the sample."""
    steady: bool
    """Neither was the thread preempted nor did the clock change."""
    burst: float
    """Core cycles of the longer burst."""
    clean: bool
    """It is steady, and nothing disturbed the bursts."""


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
    burst_operations: float
    """Multiply-adds of a burst, in vectors."""
    undisturbed: float = 0.0
    """Core cycles of a burst that nothing disturbs, as far as known."""
    _whole = False
    """These cycles are what some number of units takes for a burst."""
    _patience_s = 0.0
    _fruitless = False
    """No sample of the last series was clean: the core is shared for longer than a series lasts."""

    @abstractmethod
    def _slice(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Slice:
        """Run the probe and two bursts, call the code so many times with up to MAX_TENSORS tensors, and run burst and
        probe."""

    def sample(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Sample:
        """Call the code at address `kernel` with the tensors `calls` times between two probes."""
        switches = resource.getrusage(OWN_USAGE).ru_nivcsw
        busy = time.thread_time()
        before, burst, passed, later_burst, after = self._slice(kernel, tensors, calls)
        busy = time.thread_time() - busy
        switched = resource.getrusage(OWN_USAGE).ru_nivcsw != switches
        if switched:  # what other threads ran in between is not in the thread's processor time
            passed = min(passed, busy)
        same_clock = abs(before - after) <= STEADY * min(before, after)
        # Whatever disturbs a probe makes it longer, and must not make the kernel seem faster.
        probe = (before + after) / 2 if same_clock else min(before, after)
        clock_hz = self.probe_cycles / max(probe, 1e-9)
        longer_burst, steady = max(burst, later_burst) * clock_hz, same_clock and not switched
        clean = steady and abs(longer_burst - self.undisturbed) <= UNDISTURBED * self.undisturbed
        return Sample(passed / calls * clock_hz, passed / calls, clock_hz, steady, longer_burst, clean)

    def time(self, kernel: int, tensors: tuple[int, ...], budget_s: float, first: Sample | None = None) -> Timing:
        """Sample until the fastest agree, for about `budget_s` seconds at most. `first` is a sample of one call."""
        first = first or self.sample(kernel, tensors, 1)
        if first.seconds > SINGLE_RUN_S and (first.clean or first.seconds > SAMPLING_LIMIT_S):
            return Timing(first.cycles, first.clock_hz, 1, 0.0)
        calls = max(1, int(self.slice_s / max(first.seconds, 1e-9)))
        needed = min(AGREEING, ceil(SINGLE_RUN_S / max(first.seconds, 1e-9)))
        began = time.perf_counter()
        limit_s = max(3 * budget_s, SAMPLING_LIMIT_S)
        clean: list[Sample] = []
        others: list[Sample] = []
        while (passed := time.perf_counter() - began) < limit_s + (self._patience_s if len(clean) < needed else 0.0):
            if len(clean) >= needed and (passed >= budget_s or _agree(clean, needed)):
                break
            if self._fruitless and not clean and passed >= budget_s:
                break
            sample = self.sample(kernel, tensors, calls)
            (clean if sample.clean else others).append(sample)
        self._fruitless = not clean
        self._patience_s = min(PATIENCE_S, max(0.0, self._patience_s + 2 * min(passed, limit_s) - passed))
        self._learn([*clean, *others])
        return _summary(clean or _least_disturbed([first, *others]), len(clean), needed)

    def learn_burst(self, nothing: int) -> None:
        """Find out how long undisturbed bursts are, with the address of code that does nothing."""
        self.undisturbed = inf
        ends = time.perf_counter() + LEARNING_S
        samples: list[Sample] = []
        while time.perf_counter() < ends or len(samples) < CALIBRATION_TRIES:
            samples.append(self.sample(nothing, (), 1))
        self._learn(samples)

    def _learn(self, samples: list[Sample]) -> None:
        """Disturbed probes alike make bursts seem shorter than they are, some for as long as the timer learns. So where
        there are bursts that some number of units takes, they count; otherwise the shortest that is not alone."""
        bursts = sorted(sample.burst for sample in samples if sample.steady)
        for units in reversed(MULTIPLIERS):
            whole = self.burst_operations / units
            if sum(abs(burst - whole) <= WHOLE * whole for burst in bursts) >= AGREEING:
                self.undisturbed = min(whole, self.undisturbed) if self._whole else whole
                self._whole = True
                return
        if len(bursts) >= AGREEING and not self._whole:
            self.undisturbed = min(self.undisturbed, bursts[AGREEING - 1])


def _agree(samples: list[Sample], needed: int) -> bool:
    fastest = nsmallest(needed, [sample.cycles for sample in samples])
    return fastest[-1] <= (1 + AGREEMENT) * fastest[0]


def _least_disturbed(samples: list[Sample]) -> list[Sample]:
    """Of samples none of which is clean, those to go by: the ones with bursts about as short as the shortest."""
    samples = [sample for sample in samples if sample.steady] or samples
    shortest = min(sample.burst for sample in samples)
    return [sample for sample in samples if sample.burst <= (1 + UNDISTURBED) * shortest]


def _summary(samples: list[Sample], clean: int, needed: int) -> Timing:
    cycles = sorted(sample.cycles for sample in samples)
    low, middle, high = (cycles[len(cycles) * quarter // 4] for quarter in (1, 2, 3))
    variation = (high - low) / (2 * middle) if middle else 0.0
    clock_hz = statistics.median(sample.clock_hz for sample in samples)
    return Timing(statistics.median(cycles[:needed]), clock_hz, clean, variation)
