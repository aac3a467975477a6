from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import fma_peak, processor
from rllib_envs.loop_nest.backend.backends import AUTO, usable_backends
from rllib_envs.loop_nest.backend.fma_peak import make_timer, measure_peak, peak
from rllib_envs.loop_nest.backend.memory import ExecutableCode
from rllib_envs.loop_nest.backend.timer import AGREEING, SINGLE_RUN_S, Sample, Slice, Timer, Timing
from rllib_envs.loop_nest.backend.timer_portable import PortableTimer
from rllib_envs.loop_nest.backend.timer_x86 import X86Timer
from rllib_envs.loop_nest.backend.x86 import RCX, Assembler

pytestmark = pytest.mark.usefixtures("x86_timer")
NO_TENSORS = ()


@pytest.fixture(scope="module", params=[X86Timer, PortableTimer])
def timer(request: pytest.FixtureRequest) -> Timer:
    return request.param()


def once(holds: Callable[[], bool], tries: int = 200) -> bool:
    """Whether it holds at least once: others on this machine may disturb single measurements, even for a while."""
    for _ in range(tries):
        if holds():
            return True
        time.sleep(0.02)
    return False


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
    assert timing.samples <= 1e-3 / timer.slice_s + AGREEING
    assert timing.variation >= 0.0
    assert once(lambda: timer.time(code.address, NO_TENSORS, 1e-3).cycles == pytest.approx(30_000, rel=0.05))


def test_short_code_is_called_many_times(timer: Timer) -> None:
    code = delay(1)

    def agree() -> bool:
        few, many = (timer.sample(code.address, NO_TENSORS, calls).cycles for calls in (20, 400))
        return few == pytest.approx(many, rel=0.2)

    assert once(agree)


def test_long_code_runs_once(timer: Timer) -> None:
    code = delay(100_000)
    start = time.perf_counter()
    timing = timer.time(code.address, NO_TENSORS, 1e-3)
    assert timing.samples == 1
    assert time.perf_counter() - start < 5.0


def test_warm_sample_of_long_code_is_the_result(timer: Timer) -> None:
    warm = Sample(cycles=1e9, seconds=2 * SINGLE_RUN_S, clock_hz=3e9, steady=True, burst=0.0, clean=True)
    timing = timer.time(0, NO_TENSORS, 1e-3, first=warm)  # address 0 is not called
    assert (timing.cycles, timing.samples) == (1e9, 1)


class Scripted(Timer):
    """A thousand cycles at 1 GHz, where the samples' parts take this many times as long as they should."""

    source = "script"
    probe_cycles = 1000
    slice_s = 1e-5
    burst_operations = 700.0
    undisturbed = 500.0

    def __init__(
        self,
        slowdowns: Callable[[int], tuple[float, float, float]],
        burst: Callable[[int], float] = lambda _: 1.0,
    ) -> None:
        self.slices = 0
        self._slowdowns = slowdowns
        self._burst = burst

    def _slice(self, kernel: int, tensors: tuple[int, ...], calls: int) -> Slice:
        self.slices += 1
        before, code, after = self._slowdowns(self.slices)
        burst = self._burst(self.slices) * 5e-7
        return Slice(before * 1e-6, burst, code * calls * 1e-6, burst, after * 1e-6)


def test_slow_probes_do_not_make_code_seem_fast() -> None:
    timer = Scripted(lambda sample: (1.1, 1.0, 1.1) if sample % 3 == 0 else (1.0, 1.0, 1.0))
    timing = timer.time(0, NO_TENSORS, 1e-3)
    assert timing.cycles == pytest.approx(1000)
    assert timing.clock_hz == pytest.approx(1e9)
    assert AGREEING <= timing.samples < timer.slices


def test_sampling_ends_when_the_fastest_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrusage", lambda _: SimpleNamespace(ru_nivcsw=0))  # nobody preempts a script
    quiet = Scripted(lambda _: (1.0, 1.0, 1.0))
    assert quiet.time(0, NO_TENSORS, 1.0).samples == AGREEING
    neighbour = Scripted(lambda sample: (1.0, 1.0 if sample % 4 == 0 else 1.0 + sample / 40, 1.0))
    timing = neighbour.time(0, NO_TENSORS, 1.0)
    assert timing.cycles == pytest.approx(1000)
    assert neighbour.slices - 1 == 4 * AGREEING - 1, "one sample to begin with, and as many as the quiet ones need"


def test_one_lucky_sample_is_not_the_result() -> None:
    timer = Scripted(lambda sample: (1.0, 0.5 if sample == 4 else 1.0, 1.0))
    assert timer.time(0, NO_TENSORS, 1e-3).cycles == pytest.approx(1000)


def test_samples_of_a_shared_core_do_not_count() -> None:
    def shared(sample: int) -> bool:
        return sample % 10 != 0

    timer = Scripted(lambda n: (1.0, 1.3 if shared(n) else 1.0, 1.0), lambda n: 1.2 if shared(n) else 1.0)
    timing = timer.time(0, NO_TENSORS, 1e-3)
    assert timing.cycles == pytest.approx(1000)
    assert timing.samples >= AGREEING


def test_where_a_core_is_always_shared_the_least_disturbed_samples_are_the_result() -> None:
    timer = Scripted(lambda n: (1.0, 2.0 if n % 3 else 1.5, 1.0), lambda n: 1.4 if n % 3 else 1.1)
    timing = timer.time(0, NO_TENSORS, 1e-3)
    assert timing.cycles == pytest.approx(1500)
    assert timing.samples == 0, "none of them can be trusted"


def test_shorter_bursts_are_learnt() -> None:
    timer = Scripted(lambda _: (1.0, 1.0, 1.0), lambda n: 0.9 if n > 100 else 1.0)
    timer.learn_burst(0)
    assert timer.undisturbed == pytest.approx(450), "what learning saw last"
    timer.undisturbed = 500.0
    assert timer.time(0, NO_TENSORS, 1e-3).samples == 0
    assert timer.undisturbed == pytest.approx(450)
    assert timer.time(0, NO_TENSORS, 1e-3).samples == AGREEING


def test_bursts_are_what_some_number_of_units_takes() -> None:
    """However often both probes are disturbed alike, and the bursts between them seem short."""
    timer = Scripted(lambda _: (1.0, 1.0, 1.0), lambda n: 0.9 if n < 150 else 1.0 if n % 7 == 0 else 0.95)
    timer.burst_operations = 1000  # 500 cycles in two units
    timer.learn_burst(0)
    assert timer.undisturbed == 500
    for _ in range(20):
        assert timer.time(0, NO_TENSORS, 1e-3).samples >= AGREEING
    assert timer.undisturbed == 500
    timer._burst = lambda _: 2.0
    timer.time(0, NO_TENSORS, 1e-3)
    assert timer.undisturbed == 500, "as long as one unit's, but it has been seen that there are two"


def test_peak_repeats(timer: Timer) -> None:
    def repeats() -> bool:
        first, second = measure_peak(timer), measure_peak(timer)
        return first.flop_per_cycle == pytest.approx(second.flop_per_cycle, rel=0.1)

    assert once(repeats)


def test_a_peak_is_looked_for_until_nothing_disturbs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disturbed probes alike make code seem faster than it is; of all tries the fastest would be such a one."""
    timer, tries = make_timer(), 3 * fma_peak.TRIES
    disturbed = [Timing(cycles, 1e9, 0, 0.0) for cycles in (900.0, 1000.0, 1100.0)]

    def peak_when(undisturbed: int) -> float:
        timings = iter([*(disturbed[n % 3] for n in range(undisturbed)), *[Timing(1010.0, 1e9, 5, 0.0)] * tries])
        monkeypatch.setattr(timer, "time", lambda *_: next(timings))
        return 1 / measure_peak(timer).flop_per_cycle

    assert peak_when(tries) == pytest.approx(peak_when(0)), "what is disturbed doesn't count"
    right = peak_when(0)
    monkeypatch.setattr(fma_peak, "PATIENCE_S", 0.0)
    assert peak_when(tries) == pytest.approx(right * 1000 / 1010), "neither the fastest nor the slowest"


def is_about_one_of(found: float, values: tuple[int, ...]) -> bool:
    return any(found == pytest.approx(value, rel=0.1) for value in values)


@pytest.mark.parametrize("backend", usable_backends())
def test_peak_is_whole_instructions_a_cycle(timer: Timer, backend: str) -> None:
    """One or two multiply-adds of 8 or 16 lanes start in every cycle, or on some processors two in two cycles."""
    if backend == AUTO:
        return
    assert once(lambda: is_about_one_of(measure_peak(timer, backend).flop_per_cycle, (16, 32, 64)))


def test_timers_agree() -> None:
    code, timers = delay(10), (X86Timer(), PortableTimer())

    def agree() -> bool:
        first, second = (timer.time(code.address, NO_TENSORS, 5e-3) for timer in timers)
        return first.cycles == pytest.approx(second.cycles, rel=0.05) and first.clock_hz == pytest.approx(
            second.clock_hz, rel=0.15
        )

    assert once(agree)


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


def test_where_a_core_stays_shared_less_time_is_lost_on_it() -> None:
    def second_series_is_shorter() -> bool:
        timer = Scripted(lambda _: (1.0, 1.3, 1.0), lambda _: 1.2)
        timer.time(0, NO_TENSORS, 1e-3)
        first = timer.slices
        timer.time(0, NO_TENSORS, 1e-3)
        return first > 2 * (timer.slices - first)

    assert once(second_series_is_shorter)


def test_a_core_that_is_no_longer_shared_is_used_at_once() -> None:
    shared = 1000
    timer = Scripted(lambda n: (1.0, 1.3 if n < shared else 1.0, 1.0), lambda n: 1.2 if n < shared else 1.0)
    while timer.slices < shared:
        timer.time(0, NO_TENSORS, 1e-3)
    timing = timer.time(0, NO_TENSORS, 1e-3)
    assert (timing.cycles, timing.samples) == (pytest.approx(1000), AGREEING)
