from __future__ import annotations

import time

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import fma_peak, processor
from rllib_envs.loop_nest.backend.backends import AUTO, usable_backends
from rllib_envs.loop_nest.backend.fma_peak import make_timer, measure_peak, peak
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.timer import MIN_CLEAN, SINGLE_RUN_S, Sample, Slice, Timer
from rllib_envs.loop_nest.backend.timer_portable import PortableTimer
from rllib_envs.loop_nest.backend.timer_x86 import X86Timer
from rllib_envs.loop_nest.backend.x86 import RCX, Assembler

pytestmark = pytest.mark.usefixtures("x86_timer")
NO_TENSORS = ()


@pytest.fixture(scope="module", params=[X86Timer, PortableTimer])
def timer(request: pytest.FixtureRequest) -> Timer:
    return request.param()


def delay(squares: int) -> ExecutableCode:
    """Code that takes three cycles for each of so many thousand dependent multiplications."""
    assembler = Assembler()
    assembler.set(RCX, squares)
    again = assembler.size
    for _ in range(1000):
        assembler.square(2)
    assembler.decrement(RCX)
    assembler.jump_back_if_nonzero(again)
    assembler.ret()
    return ExecutableCode(assembler.finish())


def test_counts_cycles_of_known_code(timer: Timer) -> None:
    code = delay(10)
    timing = timer.time(code.address, NO_TENSORS, 1e-3)
    assert timing.cycles == pytest.approx(30_000, rel=0.05)
    assert timing.samples >= MIN_CLEAN or timing.samples == 0
    assert timing.variation >= 0.0


def test_short_code_is_called_many_times(timer: Timer) -> None:
    code = delay(1)
    few, many = (timer.sample(code.address, NO_TENSORS, calls) for calls in (20, 400))
    assert few.cycles == pytest.approx(many.cycles, rel=0.5)


def test_long_code_runs_once(timer: Timer) -> None:
    code = delay(100_000)
    start = time.perf_counter()
    timing = timer.time(code.address, NO_TENSORS, 1e-3)
    assert timing.samples == 1
    assert time.perf_counter() - start < 5.0


def test_warm_sample_of_long_code_is_the_result(timer: Timer) -> None:
    warm = Sample(cycles=1e9, seconds=2 * SINGLE_RUN_S, clock_hz=3e9, clean=True)
    timing = timer.time(0, NO_TENSORS, 1e-3, first=warm)  # address 0 is not called
    assert (timing.cycles, timing.samples) == (1e9, 1)


class Scripted(Timer):
    """A thousand cycles at 1 GHz, and in every third sample both probes take a tenth longer than they should."""

    source = "script"
    probe_cycles = 1000
    slice_s = 1e-5

    def __init__(self) -> None:
        self.slices = 0

    def _slice(self, kernel: int, tensors: tuple[int, int, int], calls: int) -> Slice:
        self.slices += 1
        probe = 1.1e-6 if self.slices % 3 == 0 else 1e-6
        return Slice(probe, calls * 1e-6, probe)


def test_slow_probes_do_not_make_code_seem_fast() -> None:
    timer = Scripted()
    timing = timer.time(0, NO_TENSORS, 1e-3)
    assert timing.cycles == pytest.approx(1000)
    assert timing.clock_hz == pytest.approx(1e9)
    assert MIN_CLEAN <= timing.samples < timer.slices


def test_peak_repeats(timer: Timer) -> None:
    first, second = measure_peak(timer), measure_peak(timer)
    assert first.flop_per_cycle == pytest.approx(second.flop_per_cycle, rel=0.1)
    assert 15 < first.flop_per_cycle < 70, "one or two multiply-adds of 8 or 16 lanes a cycle"


@pytest.mark.parametrize("backend", usable_backends())
def test_peak_is_whole_instructions_a_cycle(timer: Timer, backend: str) -> None:
    """One or two multiply-adds of 8 or 16 lanes start in every cycle, or on some processors two in two cycles."""
    if backend == AUTO:
        return
    found = measure_peak(timer, backend).flop_per_cycle
    assert min(abs(found / flops - 1) for flops in (16, 32, 64)) < 0.1


def test_timers_agree() -> None:
    code = delay(10)
    timings = [timer.time(code.address, NO_TENSORS, 5e-3) for timer in (X86Timer(), PortableTimer())]
    assert timings[0].cycles == pytest.approx(timings[1].cycles, rel=0.05)
    assert timings[0].clock_hz == pytest.approx(timings[1].clock_hz, rel=0.15)


def test_portable_timer_where_there_are_no_time_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_timer(), X86Timer)
    monkeypatch.setattr(processor, "processor_flags", frozenset)
    assert isinstance(make_timer(), PortableTimer)


def test_environment_sets_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fma_peak, "_measured_peak", lambda backend: fma_peak.Peak(100.0, 32.0))
    monkeypatch.delenv("MAX_GFLOPS", raising=False)
    assert peak() == (100.0, 32.0)
    monkeypatch.setenv("MAX_GFLOPS", "88.5")
    assert peak() == (88.5, 32.0)
    for text in ("fast", "-1", "0", "inf", "nan"):
        monkeypatch.setenv("MAX_GFLOPS", text)
        with pytest.raises(UserError, match="MAX_GFLOPS must be a positive number"):
            peak()
