"""The timer for x86-64: machine code that reads the time-stamp counter.

Nothing but the calls under test and two probes runs between the time stamps, so that a sample of thirty microseconds
is exact.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.backends import MACHINE_CODE, choose_backend
from rllib_envs.loop_nest.backend.block_x86 import POINTERS
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.multiply_adds import chains, emit_multiply_adds
from rllib_envs.loop_nest.backend.processor import has_time_stamps
from rllib_envs.loop_nest.backend.timer import CALIBRATION_TRIES, Slice, Timer

CYCLES_PER_SQUARE = 3
"""Latency of `imul r64, r64` on Intel since Nehalem and on AMD since Zen (uops.info)."""
SQUARES_UNROLLED = 10
PROBE_ROUNDS = 300
"""About 2.5 microseconds. The time-stamp counter of AMD Zen moves in steps of 10 ns, 0.4 % of that."""
BURST_ROUNDS = 400
"""About 1 microsecond with 256-bit vectors, 2 with 512."""
BURST_COUNTERS = (x86.RAX, x86.RDX, x86.RSI, x86.RDI, x86.R8, x86.R9, x86.R10, x86.R11)
STAMPS = 7
TSC_INTERVAL_S = 10e-3
POINTER_BYTES = 8
_Tensors = ctypes.c_void_p * len(POINTERS)


class X86Timer(Timer):
    """Calibrates itself when it is made, which takes about 35 ms."""

    source = "time-stamp counter"
    probe_cycles = PROBE_ROUNDS * SQUARES_UNROLLED * CYCLES_PER_SQUARE
    slice_s = 30e-6

    def __init__(self) -> None:
        self._code = ExecutableCode(emit_timer(PROBE_ROUNDS))
        self._function = _timer_function(self._code)
        self._stamps = (ctypes.c_uint64 * STAMPS)()
        self._empty = ExecutableCode(b"\xc3")  # ret
        self.tsc_hz = self._tsc_frequency()
        """Ticks a second of the time-stamp counter."""
        self.overhead = self._stamp_overhead()
        """Ticks that a pair of time stamps takes by itself."""
        self.burst_operations = chains(_instructions().target) * BURST_ROUNDS
        self.learn_burst(self._empty.address)

    @staticmethod
    def usable() -> bool:
        """Whether this processor has what the timer needs."""
        return has_time_stamps() and choose_backend() in MACHINE_CODE

    def _slice(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Slice:
        self._function(kernel, _Tensors(*tensors), calls, self._stamps)
        before, _, burst, passed, later_burst, after = (
            max(0.0, later - earlier - self.overhead) / self.tsc_hz for earlier, later in pairwise(self._stamps)
        )
        return Slice(before, burst, passed, later_burst, after)

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
            self._function(self._empty.address, _Tensors(), 1, self._stamps)
            after = time.perf_counter()
            tries.append((after - before, (self._stamps[0] + self._stamps[-1]) / 2, (before + after) / 2))
        _, tick, moment = min(tries)
        return tick, moment

    def _stamp_overhead(self) -> float:
        """Ticks of a probe of no length, from probes of one and two lengths."""
        double_code = ExecutableCode(emit_timer(2 * PROBE_ROUNDS))
        double = _timer_function(double_code)
        differences = []
        for _ in range(CALIBRATION_TRIES):
            single_probe, double_probe = self._probe_ticks(self._function), self._probe_ticks(double)
            differences.append(2.0 * single_probe - double_probe)
        quarter = CALIBRATION_TRIES // 4
        # The mean of the middle half: a median would be only as fine as the steps of the counter.
        return max(0.0, statistics.fmean(sorted(differences)[quarter:-quarter]))

    def _probe_ticks(self, function: Callable[..., None]) -> int:
        """Of the shorter probe around a call of nothing, a pair of time stamps included."""
        function(self._empty.address, _Tensors(), 1, self._stamps)
        return min(self._stamps[1] - self._stamps[0], self._stamps[-1] - self._stamps[-2])


def emit_timer(probe_rounds: int) -> bytes:
    """Code of `void timer(kernel, void *tensors[], long calls, uint64_t stamps[7])`.

    It stores the time-stamp counter before, between and after a probe, a burst that warms up, a burst, the calls of the
    kernel, a burst, and a probe. Without the first, Intel's Emerald Rapids takes 18 % longer for the next.
    """
    assembler = x86.Assembler()
    kernel, tensors, calls, stamps = x86.R12, x86.R13, x86.RBX, x86.RBP
    for register in x86.CALLEE_SAVED:
        assembler.push(register)
    assembler.push(x86.RAX)  # any register: calls need a stack that is aligned to 16 bytes
    for register, argument in zip((kernel, tensors, calls, stamps), POINTERS, strict=False):
        assembler.move(register, argument)
    assembler.time_stamp(stamps, 0)
    _emit_probe(assembler, probe_rounds)
    assembler.time_stamp(stamps, 8)
    _emit_burst(assembler)
    assembler.time_stamp(stamps, 16)
    _emit_burst(assembler)
    assembler.time_stamp(stamps, 24)
    again = assembler.size
    for index, argument in enumerate(POINTERS):
        assembler.load(argument, tensors, index * POINTER_BYTES)
    assembler.call(kernel)
    assembler.decrement(calls)
    assembler.jump_back_if_nonzero(again)
    assembler.time_stamp(stamps, 32)
    _emit_burst(assembler)
    assembler.time_stamp(stamps, 40)
    _emit_probe(assembler, probe_rounds)
    assembler.time_stamp(stamps, 48)
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


def _emit_burst(assembler: x86.Assembler) -> None:
    """With the widest vectors there are: a core that has just begun to use these is not at its pace yet."""
    emit_multiply_adds(assembler, _instructions(), BURST_ROUNDS, BURST_COUNTERS)


def _instructions() -> type[InstructionSet]:
    return MACHINE_CODE[choose_backend()].instructions


def _timer_function(code: ExecutableCode) -> Callable[..., None]:
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Tensors, ctypes.c_long, ctypes.POINTER(ctypes.c_uint64))
    return signature(code.address)
