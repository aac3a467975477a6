"""The fastest that one core can multiply and add, which is what fractions of peak are fractions of."""

from __future__ import annotations

import os
import statistics
import time
from functools import cache
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.backends import AUTO, MACHINE_CODE, choose_backend
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.llvm_code import LoadedObject, compile_ir, host_target
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.multiply_adds import emit_multiply_adds, flops, multiply_adds_ir
from rllib_envs.loop_nest.backend.timer import Timer, Timing
from rllib_envs.loop_nest.backend.timer_portable import PortableTimer
from rllib_envs.loop_nest.backend.timer_x86 import X86Timer
from rllib_envs.loop_nest.backend.x86 import Assembler

PEAK_VARIABLE = "MAX_GFLOPS"
ROUNDS = 500
TRIES = 20
"""The fastest counts: a neighbour on the same core makes some slower, and what is measured later is compared to it."""
BUDGET_S = 1e-3
PATIENCE_S = 0.5
"""So long are tries made until there is one that nothing disturbed."""


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
    return X86Timer() if X86Timer.usable() else PortableTimer()


def measure_peak(timer: Timer, backend: str = AUTO) -> Peak:
    """Time independent multiply-adds for a few milliseconds, or longer where others disturb them all.

    If they do so for too long, tries may be too fast as well as too slow, and their median counts: what is measured
    later puts a peak right that is too low, but not one that is too high.
    """
    chosen = choose_backend(backend)
    code: ExecutableCode | LoadedObject
    if chosen in MACHINE_CODE:
        instructions = MACHINE_CODE[chosen].instructions
        target, code = instructions.target, ExecutableCode(emit_peak(instructions))
    else:
        target = host_target()
        code = LoadedObject(compile_ir(multiply_adds_ir(target, ROUNDS)), "multiply_adds")
    timings: list[Timing] = []
    ends = time.perf_counter() + PATIENCE_S
    while len(timings) < TRIES or not (any(timing.samples for timing in timings) or time.perf_counter() > ends):
        timings.append(timer.time(code.address, (), BUDGET_S))
    undisturbed = [timing.cycles for timing in timings if timing.samples]
    cycles = min(undisturbed) if undisturbed else statistics.median(timing.cycles for timing in timings)
    flop_per_cycle = flops(target, ROUNDS) / cycles
    clock_hz = max(timing.clock_hz for timing in timings)
    return Peak(flop_per_cycle * clock_hz / 1e9, flop_per_cycle)


def emit_peak(instructions: type[InstructionSet]) -> bytes:
    """Code of a function without arguments that only multiplies and adds."""
    assembler = Assembler()
    emit_multiply_adds(assembler, instructions, ROUNDS)
    assembler.ret()
    return assembler.finish()


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
