from __future__ import annotations

import time

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import fma_peak
from rllib_envs.loop_nest.backend.fma_peak import AVX2_FORM, AVX512_FORM, PeakForm, emit_peak, measure_peak, peak
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.processor import has_avx512
from rllib_envs.loop_nest.backend.timer import MIN_CLEAN, SINGLE_RUN_S, Sample, Timer
from rllib_envs.loop_nest.backend.x86 import RCX, Assembler

pytestmark = pytest.mark.usefixtures("kernels")
NO_TENSORS = (0, 0, 0)


@pytest.fixture(scope="module")
def timer() -> Timer:
    return Timer()


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
    one, many = (timer.sample(code.address, NO_TENSORS, calls) for calls in (1, 50))
    assert one.cycles == pytest.approx(many.cycles, rel=0.5)


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


def test_peak_repeats(timer: Timer) -> None:
    first, second = measure_peak(timer), measure_peak(timer)
    assert first.flop_per_cycle == pytest.approx(second.flop_per_cycle, rel=0.1)
    assert 15 < first.flop_per_cycle < 70, "one or two multiply-adds of 8 or 16 lanes a cycle"


@pytest.mark.parametrize("form", [AVX512_FORM, AVX2_FORM])
def test_peak_code_counts_its_operations(timer: Timer, form: PeakForm) -> None:
    if form == AVX512_FORM and not has_avx512():
        pytest.skip("needs AVX-512")
    code = ExecutableCode(emit_peak(form))
    timing = timer.time(code.address, NO_TENSORS, 1e-3)
    instructions_per_cycle = form.flops / timing.cycles / (2 * form.lanes)
    assert instructions_per_cycle == pytest.approx(1, rel=0.1) or instructions_per_cycle == pytest.approx(2, rel=0.1)


def test_environment_sets_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fma_peak, "_measured_peak", lambda: fma_peak.Peak(100.0, 32.0))
    monkeypatch.delenv("MAX_GFLOPS", raising=False)
    assert peak() == (100.0, 32.0)
    monkeypatch.setenv("MAX_GFLOPS", "88.5")
    assert peak() == (88.5, 32.0)
    for text in ("fast", "-1", "0", "inf", "nan"):
        monkeypatch.setenv("MAX_GFLOPS", text)
        with pytest.raises(UserError, match="MAX_GFLOPS must be a positive number"):
            peak()
