"""Time generated code in core cycles, on machines that are shared and whose clock varies.

Seconds are a poor reward: the clock of one core drifts by a third with load and temperature. So every sample
is taken between two probes, chains of dependent multiplications whose length in cycles is known, which tell
how long a cycle is at that moment. Samples during which the scheduler interfered or the clock changed are
dropped, and the tenth percentile of the others is the result. The sampling function is machine code too, so
that nothing but the calls under test runs between its time stamps.
"""

from __future__ import annotations

import ctypes
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.memory import ExecutableCode

CYCLES_PER_SQUARE = 3
"""Latency of `imul r64, r64` on Intel since Nehalem and on AMD since Zen (uops.info)."""
SQUARES_UNROLLED = 10
PROBE_ROUNDS = 300
PROBE_CYCLES = PROBE_ROUNDS * SQUARES_UNROLLED * CYCLES_PER_SQUARE
"""About 2.5 microseconds. The time-stamp counter of AMD Zen moves in steps of 10 ns, 0.4 % of that."""

SLICE_S = 30e-6
"""Length of a sample: long against the time stamps, short against the scheduler's milliseconds."""
SINGLE_RUN_S = 1.5e-3
"""A run longer than this is not repeated: its own length averages out what a repetition would."""
MIN_CLEAN = 5
SAMPLING_LIMIT_S = 10e-3
"""Sampling ends after this even without MIN_CLEAN clean samples, or after three budgets if that is longer."""
STEADY = 0.015
"""Largest relative difference between the two probes of a clean sample."""
CALIBRATION_TRIES = 100
TSC_INTERVAL_S = 10e-3


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
    """Core cycles of one call: the tenth percentile of the clean samples."""
    clock_hz: float
    """Median core clock."""
    samples: int
    """Number of clean samples; 0 when there were none and the others had to do."""
    variation: float
    """Half the interquartile range of the samples divided by their median; 0 for a single one."""


class Timer:
    """Calibrates itself when it is made, which takes about 15 ms."""

    def __init__(self) -> None:
        self._code = ExecutableCode(emit_timer(PROBE_ROUNDS))
        self._function = _timer_function(self._code)
        self._stamps = (ctypes.c_uint64 * 4)()
        self._empty = ExecutableCode(b"\xc3")  # ret
        self.tsc_hz = self._tsc_frequency()
        """Ticks a second of the time-stamp counter."""
        self.overhead = self._stamp_overhead()
        """Ticks that a pair of time stamps takes by itself."""

    def sample(self, kernel: int, tensors: tuple[int, int, int], calls: int) -> Sample:
        """Call the code at address `kernel` with the tensors `calls` times between two probes."""
        switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
        busy = time.thread_time()
        self._function(kernel, *tensors, calls, self._stamps)
        busy = time.thread_time() - busy
        switched = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw != switches
        start, begin, end, stop = self._stamps
        before, ticks, after = begin - start, end - begin, stop - end
        if switched:  # what other threads ran in between is not in the thread's processor time
            ticks = min(ticks, int(busy * self.tsc_hz))
        steady = abs(before - after) <= STEADY * min(before, after)
        # Whatever disturbs a probe makes it longer, and must not make the kernel seem faster.
        probe = (before + after) / 2 if steady else min(before, after)
        tick_cycles = PROBE_CYCLES / max(1.0, probe - self.overhead)
        net = max(0.0, ticks - self.overhead) / calls
        clock_hz = tick_cycles * self.tsc_hz
        return Sample(net * tick_cycles, net / self.tsc_hz, clock_hz, clean=steady and not switched)

    def time(self, kernel: int, tensors: tuple[int, int, int], budget_s: float, first: Sample | None = None) -> Timing:
        """Sample for about `budget_s` seconds. `first` is a sample of one call just taken, if any."""
        first = first or self.sample(kernel, tensors, 1)
        if first.seconds > SINGLE_RUN_S:
            return Timing(first.cycles, first.clock_hz, 1, 0.0)
        calls = max(1, int(SLICE_S / max(first.seconds, 1e-9)))
        wanted = max(MIN_CLEAN, round(budget_s / max(first.seconds * calls, SLICE_S)))
        limit = time.perf_counter() + max(3 * budget_s, SAMPLING_LIMIT_S)
        clean: list[Sample] = []
        unclean: list[Sample] = []
        while len(clean) < wanted and time.perf_counter() < limit:
            sample = self.sample(kernel, tensors, calls)
            (clean if sample.clean else unclean).append(sample)
        return _summary(clean or unclean or [first], len(clean))

    def _tsc_frequency(self) -> float:
        first_tick, first_s = self._tick_and_time()
        time.sleep(TSC_INTERVAL_S)
        last_tick, last_s = self._tick_and_time()
        return (last_tick - first_tick) / (last_s - first_s)

    def _tick_and_time(self) -> tuple[float, float]:
        """The time-stamp counter and the clock at the same moment, from the quickest try."""
        tries = []
        for _ in range(CALIBRATION_TRIES):
            before = time.perf_counter()
            self._function(self._empty.address, 0, 0, 0, 1, self._stamps)
            after = time.perf_counter()
            tries.append((after - before, (self._stamps[0] + self._stamps[3]) / 2, (before + after) / 2))
        _, tick, moment = min(tries)
        return tick, moment

    def _stamp_overhead(self) -> float:
        """Ticks of a probe of no length, from probes of one and two lengths."""
        double_code = ExecutableCode(emit_timer(2 * PROBE_ROUNDS))
        double = _timer_function(double_code)
        differences = []
        for _ in range(CALIBRATION_TRIES):
            self._function(self._empty.address, 0, 0, 0, 1, self._stamps)
            single_probe = min(self._stamps[1] - self._stamps[0], self._stamps[3] - self._stamps[2])
            double(self._empty.address, 0, 0, 0, 1, self._stamps)
            double_probe = min(self._stamps[1] - self._stamps[0], self._stamps[3] - self._stamps[2])
            differences.append(2.0 * single_probe - double_probe)
        quarter = CALIBRATION_TRIES // 4
        # The mean of the middle half: a median would be only as fine as the steps of the counter.
        return max(0.0, statistics.fmean(sorted(differences)[quarter:-quarter]))


def emit_timer(probe_rounds: int) -> bytes:
    """Code of `void timer(kernel, C, A, B, long calls, uint64_t stamps[4])`.

    It stores the time-stamp counter, runs a probe, stores it, calls the kernel, stores it, runs a probe,
    stores it.
    """
    assembler = x86.Assembler()
    kernel, c, a, b, calls, stamps = x86.R12, x86.R13, x86.R14, x86.R15, x86.RBX, x86.RBP
    for register in x86.CALLEE_SAVED:
        assembler.push(register)
    assembler.push(x86.RAX)  # any register: calls need a stack that is aligned to 16 bytes
    arguments = (x86.RDI, x86.RSI, x86.RDX, x86.RCX, x86.R8, x86.R9)
    for register, argument in zip((kernel, c, a, b, calls, stamps), arguments, strict=True):
        assembler.move(register, argument)
    assembler.time_stamp(stamps, 0)
    _emit_probe(assembler, probe_rounds)
    assembler.time_stamp(stamps, 8)
    again = assembler.size
    for argument, register in zip(arguments, (c, a, b), strict=False):
        assembler.move(argument, register)
    assembler.call(kernel)
    assembler.decrement(calls)
    assembler.jump_back_if_nonzero(again)
    assembler.time_stamp(stamps, 16)
    _emit_probe(assembler, probe_rounds)
    assembler.time_stamp(stamps, 24)
    assembler.pop(x86.RAX)
    for register in reversed(x86.CALLEE_SAVED):
        assembler.pop(register)
    assembler.ret()
    return assembler.finish()


def _emit_probe(assembler: x86.Assembler, rounds: int) -> None:
    """Multiplications that each wait for the one before."""
    assembler.set(x86.RCX, 3)
    assembler.set(x86.R8, rounds)
    again = assembler.size
    for _ in range(SQUARES_UNROLLED):
        assembler.square(x86.RCX)
    assembler.decrement(x86.R8)
    assembler.jump_back_if_nonzero(again)


def _timer_function(code: ExecutableCode) -> Callable[..., None]:
    signature = ctypes.CFUNCTYPE(
        None,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_long,
        ctypes.POINTER(ctypes.c_uint64),
    )
    return signature(code.address)


def _summary(samples: list[Sample], clean: int) -> Timing:
    cycles = sorted(sample.cycles for sample in samples)
    low, middle, high = (cycles[len(cycles) * quarter // 4] for quarter in (1, 2, 3))
    variation = (high - low) / (2 * middle) if middle else 0.0
    clock_hz = statistics.median(sample.clock_hz for sample in samples)
    return Timing(cycles[len(cycles) // 10], clock_hz, clean, variation)
