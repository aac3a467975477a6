"""The timer for every processor: code from LLVM, and the clock of the system.

The clock is read outside of the code under test, so a sample is longer than with a time-stamp counter, and it is
somewhat less exact. The probe is a chain of additions and exclusive ors that each wait for the one before: these take
one cycle on every processor with registers of their width.
"""

from __future__ import annotations

import ctypes
import time

from rllib_envs.loop_nest.backend.llvm_code import LoadedObject, compile_ir, host_target
from rllib_envs.loop_nest.backend.multiply_adds import chains, multiply_adds_ir
from rllib_envs.loop_nest.backend.timer import CALIBRATION_TRIES, Slice, Timer
from rllib_envs.loop_nest.statement import MAX_TENSORS

STEPS_UNROLLED = 40
PROBE_ROUNDS = 625
"""About 8 microseconds, ten times what reading the clock and calling the code takes."""
BURST_ROUNDS = 2000
PROBES = 3
"""Of which the shortest counts: one that was disturbed would make the code under test seem fast."""

PROBE_IR = """
define i64 @probe(i64 %rounds, i64 %addend, i64 %mask) nounwind {{
entry:
  br label %loop
loop:
  %round = phi i64 [ %rounds, %entry ], [ %left, %loop ]
  %v0 = phi i64 [ %mask, %entry ], [ %v{last}, %loop ]
{steps}
  %left = sub i64 %round, 1
  %again = icmp ne i64 %left, 0
  br i1 %again, label %loop, label %done
done:
  ret i64 %v{last}
}}
"""
BATCH_IR = """
define void @batch(ptr %kernel, ptr %tensors, i64 %calls) nounwind {{
entry:
{loads}
  br label %loop
loop:
  %call = phi i64 [ %calls, %entry ], [ %left, %loop ]
  call void %kernel({arguments})
  %left = sub i64 %call, 1
  %again = icmp ne i64 %left, 0
  br i1 %again, label %loop, label %done
done:
  ret void
}}
define void @nothing() nounwind {{
entry:
  ret void
}}
"""
SECOND_NS = 10**9
_PROBE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
_Tensors = ctypes.c_void_p * MAX_TENSORS
_BATCH = ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Tensors, ctypes.c_int64)
ADDEND, MASK = 0x9E3779B97F4A7C15 >> 1, 0x5DEECE66D
"""Any numbers. They are arguments, so that the compiler can't shorten the chain."""


class PortableTimer(Timer):
    """Compiles and calibrates itself when it is made, which takes about 30 ms."""

    source = "system clock"
    probe_cycles = PROBE_ROUNDS * STEPS_UNROLLED
    slice_s = 100e-6

    def __init__(self) -> None:
        self._probe_code = LoadedObject(compile_ir(probe_ir()), "probe")
        batch = compile_ir(batch_ir())
        self._batch_code, self._empty = LoadedObject(batch, "batch"), LoadedObject(batch, "nothing")
        self._probe, self._batch = _PROBE(self._probe_code.address), _BATCH(self._batch_code.address)
        self._burst_code = LoadedObject(compile_ir(multiply_adds_ir(host_target(), BURST_ROUNDS)), "multiply_adds")
        self._overhead_s = 0.0
        nothing = (self._slice(self._empty.address, (), 1).calls for _ in range(CALIBRATION_TRIES))
        self._overhead_s = sorted(nothing)[CALIBRATION_TRIES // 2]
        self.burst_operations = chains(host_target()) * BURST_ROUNDS
        self.learn_burst(self._empty.address)

    def _slice(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Slice:
        before, _, burst = self._probe_seconds(), self._burst_seconds(), self._burst_seconds()
        passed = self._seconds(kernel, tensors, calls)
        return Slice(before, burst, passed, self._burst_seconds(), self._probe_seconds())

    def _burst_seconds(self) -> float:
        return self._seconds(self._burst_code.address, (), 1)

    def _seconds(self, kernel: int, tensors: tuple[int, ...], calls: int) -> float:
        addresses = _Tensors(*tensors)
        start = time.perf_counter_ns()
        self._batch(kernel, addresses, calls)
        return max(0.0, (time.perf_counter_ns() - start) * 1e-9 - self._overhead_s)

    def _probe_seconds(self) -> float:
        shortest = SECOND_NS
        for _ in range(PROBES):
            start = time.perf_counter_ns()
            self._probe(PROBE_ROUNDS, ADDEND, MASK)
            shortest = min(shortest, time.perf_counter_ns() - start)
        return max(0.0, shortest * 1e-9 - self._overhead_s)


def probe_ir() -> str:
    """IR of `long probe(long rounds, long addend, long mask)`."""
    steps = "\n".join(
        f"  %v{step + 1} = " + (f"xor i64 %v{step}, %mask" if step % 2 else f"add i64 %v{step}, %addend")
        for step in range(STEPS_UNROLLED)
    )
    return PROBE_IR.format(steps=steps, last=STEPS_UNROLLED)


def batch_ir() -> str:
    """IR of `void batch(kernel, void *tensors[], long calls)`, and of a kernel that does nothing."""
    numbers = range(MAX_TENSORS)
    loads = "\n".join(
        f"  %at{i} = getelementptr ptr, ptr %tensors, i64 {i}\n  %tensor{i} = load ptr, ptr %at{i}" for i in numbers
    )
    return BATCH_IR.format(loads=loads, arguments=", ".join(f"ptr %tensor{i}" for i in numbers))
