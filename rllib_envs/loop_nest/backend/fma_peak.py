"""The fastest that one core can multiply and add, which is what fractions of peak are fractions of."""

from __future__ import annotations

import os
from functools import cache
from statistics import median
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.processor import has_avx512, require_vectors
from rllib_envs.loop_nest.backend.timer import Timer

PEAK_VARIABLE = "MAX_GFLOPS"
ROUNDS = 500
TRIES = 5
BUDGET_S = 1e-3


class Peak(NamedTuple):
    """What a perfect kernel would reach on one core."""

    gflops: float
    """10**9 floating-point operations a second, at the clock of the measurement or as set by MAX_GFLOPS."""
    flop_per_cycle: float


def peak() -> Peak:
    """The peak of this machine, measured once a process; the variable MAX_GFLOPS replaces its `gflops`."""
    measured = _measured_peak()
    return measured._replace(gflops=configured_gflops() or measured.gflops)


def measure_peak(timer: Timer) -> Peak:
    """Time independent multiply-adds for a few milliseconds."""
    form = AVX512_FORM if has_avx512() else AVX2_FORM
    code = ExecutableCode(emit_peak(form))
    timings = [timer.time(code.address, (0, 0, 0), BUDGET_S) for _ in range(TRIES)]
    flop_per_cycle = form.flops / median(timing.cycles for timing in timings)
    clock_hz = max(timing.clock_hz for timing in timings)
    return Peak(flop_per_cycle * clock_hz / 1e9, flop_per_cycle)


class PeakForm(NamedTuple):
    """The multiply-adds to time."""

    lanes: int
    chains: int
    """Independent multiply-adds: more than latency times throughput, and registers for them."""

    @property
    def flops(self) -> int:
        """Floating-point operations of one call."""
        return 2 * self.lanes * self.chains * ROUNDS


AVX512_FORM = PeakForm(lanes=16, chains=24)
AVX2_FORM = PeakForm(lanes=8, chains=12)


def emit_peak(form: PeakForm) -> bytes:
    """Code of a function without arguments that only multiplies and adds, on zeros in registers."""
    assembler = x86.Assembler()
    factor = form.chains
    for register in range(factor + 1):
        if form == AVX512_FORM:
            assembler.clear(register)
        else:
            assembler.clear_256(register)
    assembler.set(x86.RCX, ROUNDS)
    assembler.align()
    again = assembler.size
    for register in range(form.chains):
        if form == AVX512_FORM:
            assembler.register(x86.VFMADD231PS, register, factor, factor)
        else:
            assembler.multiply_add_256(register, factor, factor)
    assembler.decrement(x86.RCX)
    assembler.jump_back_if_nonzero(again)
    assembler.clear_upper_halves()
    assembler.ret()
    return assembler.finish()


@cache
def _measured_peak() -> Peak:
    require_vectors()
    return measure_peak(Timer())


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
