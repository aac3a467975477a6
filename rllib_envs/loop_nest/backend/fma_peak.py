"""The fastest that one core can multiply and add, which is what fractions of peak are fractions of."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.backends import AUTO, MACHINE_CODE, choose_backend
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.llvm_code import LoadedObject, compile_ir, host_target
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.plan import Target
from rllib_envs.loop_nest.backend.processor import has_time_stamps
from rllib_envs.loop_nest.backend.timer import Timer
from rllib_envs.loop_nest.backend.timer_portable import PortableTimer
from rllib_envs.loop_nest.backend.timer_x86 import X86Timer

PEAK_VARIABLE = "MAX_GFLOPS"
ROUNDS = 500
TRIES = 20
"""The fastest counts: a neighbour on the same core makes some slower, and what is measured later is compared to it."""
BUDGET_S = 1e-3


class Peak(NamedTuple):
    """What a perfect kernel would reach on one core."""

    gflops: float
    """10**9 floating-point operations a second, at the clock of the measurement or as set by MAX_GFLOPS."""
    flop_per_cycle: float


def peak(backend: str = AUTO) -> Peak:
    """The peak of this machine with the vectors of a backend, measured once a process.

    The variable MAX_GFLOPS replaces its `gflops`.
    """
    measured = _measured_peak(choose_backend(backend))
    return measured._replace(gflops=configured_gflops() or measured.gflops)


def make_timer() -> Timer:
    """The most exact timer for this processor."""
    return X86Timer() if has_time_stamps() else PortableTimer()


def measure_peak(timer: Timer, backend: str = AUTO) -> Peak:
    """Time independent multiply-adds for a few milliseconds."""
    chosen = choose_backend(backend)
    code: ExecutableCode | LoadedObject
    if chosen in MACHINE_CODE:
        instructions = MACHINE_CODE[chosen].instructions
        target, code = instructions.target, ExecutableCode(emit_peak(instructions))
    else:
        target = host_target()
        code = LoadedObject(compile_ir(peak_ir(target)), "peak")
    timings = [timer.time(code.address, (), BUDGET_S) for _ in range(TRIES)]
    flop_per_cycle = peak_flops(target) / min(timing.cycles for timing in timings)
    clock_hz = max(timing.clock_hz for timing in timings)
    return Peak(flop_per_cycle * clock_hz / 1e9, flop_per_cycle)


def chains(target: Target) -> int:
    """Independent multiply-adds: an even number, for two units, and more than latency times throughput, at most ten."""
    return (target.registers - 3) // 2 * 2


def peak_flops(target: Target) -> int:
    """Floating-point operations of one call of the code that measures the peak."""
    return 2 * target.lanes * chains(target) * ROUNDS


def emit_peak(instructions: type[InstructionSet]) -> bytes:
    """Code of a function without arguments that only multiplies and adds, on zeros in registers."""
    assembler = x86.Assembler()
    vectors, target = instructions(assembler), instructions.target
    factor = chains(target)
    for register in range(factor + 1):
        vectors.clear(register)
    assembler.set(x86.RCX, ROUNDS)
    assembler.align()
    again = assembler.size
    for register in range(chains(target)):
        vectors.operate("fused", register, factor, factor, target.lanes)
    assembler.decrement(x86.RCX)
    assembler.jump_back_if_nonzero(again)
    assembler.clear_upper_halves()
    assembler.ret()
    return assembler.finish()


def peak_ir(target: Target) -> str:
    """The same as LLVM IR: `void peak(void)`."""
    vector = f"<{target.lanes} x float>"
    fma = f"@llvm.fmuladd.v{target.lanes}f32"
    numbers = range(chains(target))
    phis = "\n".join(f"  %a{i} = phi {vector} [ zeroinitializer, %entry ], [ %b{i}, %loop ]" for i in numbers)
    # The factor comes from memory: LLVM would simplify arithmetic on a constant.
    sums = "\n".join(f"  %b{i} = call {vector} {fma}({vector} %f, {vector} %f, {vector} %a{i})" for i in numbers)
    kept = "\n".join(f"  store volatile {vector} %b{i}, ptr %memory, align 4" for i in numbers)
    return f"""
define void @peak() nounwind {{
entry:
  %memory = alloca {vector}, align 64
  store volatile {vector} zeroinitializer, ptr %memory, align 4
  %f = load volatile {vector}, ptr %memory, align 4
  br label %loop
loop:
  %round = phi i64 [ {ROUNDS}, %entry ], [ %left, %loop ]
{phis}
{sums}
  %left = sub i64 %round, 1
  %again = icmp ne i64 %left, 0
  br i1 %again, label %loop, label %done
done:
{kept}
  ret void
}}
declare {vector} {fma}({vector}, {vector}, {vector})
"""


@cache
def _measured_peak(backend: str) -> Peak:
    return measure_peak(make_timer(), backend)


def configured_gflops() -> float | None:
    """The value of MAX_GFLOPS, or None when it is not set."""
    text = os.environ.get(PEAK_VARIABLE)
    if not text:
        return None
    try:
        gflops = float(text)
    except ValueError:
        gflops = 0.0
    if not 0.0 < gflops < float("inf"):
        raise UserError(f"{PEAK_VARIABLE} must be a positive number of GFLOPS, got {text!r}")
    return gflops
