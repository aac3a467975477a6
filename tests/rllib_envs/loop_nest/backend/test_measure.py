"""The measuring process: what it reports, and that nothing a candidate does gets through to its owner."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest

from rllib_envs.child_process import serve
from rllib_envs.cores import CoreLocks
from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.loop_nest.backend import Loop, Measurer, Peak, child, compile_kernel, processor
from rllib_envs.loop_nest.backend.backends import choose_backend, usable_backends
from rllib_envs.loop_nest.backend.child import HIGHEST_PLAUSIBLE_FRACTION, MeasuringBench
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.protocol import Measurement, Request
from rllib_envs.loop_nest.kinds import make_statement
from tests.processes import alive

REPOSITORY = Path(__file__).resolve().parents[4]
STATEMENT = make_statement("mm", {"m": 32, "n": 32, "k": 32})
LOOPS = (Loop("m", 8), Loop("k", 1), Loop("m", 1), Loop("n", 1))
DISTURBED_AT_MOST = 20
"""Measurements in a row that may be implausible because of other processes."""


def undisturbed(bench: MeasuringBench, before: Callable[[], None] = lambda: None) -> Measurement:
    """The first measurement that is not implausible. `before` each of them something may be done."""
    for _ in range(DISTURBED_AT_MOST):
        before()
        measured = bench.measure(Request(STATEMENT, LOOPS))
        if not measured.error.startswith("implausible"):
            break
    assert measured.verified, measured.error
    return measured


def simple(order: str) -> Schedule:
    return tuple(Loop(var, 1) for var in order)


def process_of(measurer: Measurer) -> int:
    assert measurer._child is not None
    return measurer._child._process.pid


def wait_until_dead(pid: int) -> None:
    limit = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < limit, f"process {pid} is still alive"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def measurer() -> Iterator[Measurer]:
    with Measurer() as shared:
        yield shared


@pytest.fixture(scope="module")
def bench() -> MeasuringBench:
    """The work of the measuring process, in this process."""
    return MeasuringBench(run_limit_s=2.0, budget_s=1e-3)


def test_verified_measurement(measurer: Measurer) -> None:
    measured = measurer.measure(STATEMENT, LOOPS)
    assert measured.verified
    assert measured.error == ""
    assert 0 < measured.fraction_of_peak <= HIGHEST_PLAUSIBLE_FRACTION
    peak = measurer.peak()
    assert measured.gflops == pytest.approx(measured.fraction_of_peak * peak.gflops)
    assert measured.flop_per_cycle == pytest.approx(measured.fraction_of_peak * peak.flop_per_cycle)
    assert measured.seconds == pytest.approx(STATEMENT.flops / measured.gflops / 1e9)


def test_tells_fast_from_slow(measurer: Measurer) -> None:
    tiled = (Loop("m", 8), Loop("n", 32), Loop("k", 1), Loop("m", 1), Loop("n", 1))
    statement = make_statement("mm", {"m": 64, "n": 64, "k": 64})
    fast, slow = measurer.measure(statement, tiled), measurer.measure(statement, simple("mnk"))
    assert fast.gflops > 3 * slow.gflops


def test_same_process_for_many_statements(measurer: Measurer) -> None:
    measurer.measure(STATEMENT, LOOPS)
    before = process_of(measurer)
    for size in range(3, 13):
        statement = make_statement("row_max", {"m": size, "n": 5})
        assert measurer.measure(statement, simple("mn")).verified
    assert process_of(measurer) == before


def test_numpy_baseline(measurer: Measurer) -> None:
    measured = measurer.measure_numpy(STATEMENT)
    assert measured.verified
    assert 0 < measured.fraction_of_peak <= HIGHEST_PLAUSIBLE_FRACTION


def test_illegal_schedule_is_the_callers_mistake(measurer: Measurer) -> None:
    with pytest.raises(UserError, match="innermost loop of k must have step 1"):
        measurer.measure(STATEMENT, simple("mn"))


def test_configured_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_GFLOPS", "50")
    with Measurer() as by_environment, Measurer(peak_gflops=200.0) as by_argument:
        for measurer, gflops in ((by_environment, 50.0), (by_argument, 200.0)):
            measured = measurer.measure(STATEMENT, LOOPS)
            assert measurer.peak().gflops == gflops
            assert measured.gflops == pytest.approx(measured.fraction_of_peak * gflops)


def test_slow_candidate_times_out_and_costs_nothing_else() -> None:
    statement = make_statement("mm", {"m": 400, "n": 400, "k": 400})
    with Measurer(run_limit_s=0.004) as measurer:
        measured = measurer.measure(statement, simple("nmk"))
        assert measured == Measurement.failed("time-out: one run took more than 0.004 s")
        assert not measured.verified
        assert measured.gflops == 0.0
        assert measurer.measure(STATEMENT, LOOPS).verified


def test_hanging_process_is_replaced() -> None:
    with Measurer(run_limit_s=0.02) as measurer:
        assert measurer.measure(STATEMENT, LOOPS).verified
        stopped = process_of(measurer)
        os.kill(stopped, signal.SIGSTOP)
        assert "time-out: no answer within" in measurer.measure(STATEMENT, LOOPS).error
        assert not alive(stopped)
        assert measurer.measure(STATEMENT, LOOPS).verified


@pytest.mark.parametrize("ending", [signal.SIGSEGV, signal.SIGKILL])
def test_crash_costs_only_its_candidate(ending: signal.Signals, tmp_path: Path) -> None:
    with Measurer() as measurer:
        measurer._cores = CoreLocks(tmp_path)  # so that nobody else's measurement delays the request
        measurer.measure(STATEMENT, LOOPS)
        process = process_of(measurer)
        os.kill(process, signal.SIGSTOP)  # so that it is certain to die with the request unanswered

        def end() -> None:
            os.kill(process, ending)
            os.kill(process, signal.SIGCONT)

        crash = threading.Timer(0.1, end)
        crash.start()
        measured = measurer.measure(STATEMENT, LOOPS)
        crash.join()
        assert measured == Measurement.failed(f"crash: {ending.name}")
        assert measurer.measure(STATEMENT, LOOPS).verified


def test_death_while_idle_goes_unnoticed() -> None:
    with Measurer() as measurer:
        measurer.measure(STATEMENT, LOOPS)
        process = process_of(measurer)
        os.kill(process, signal.SIGKILL)
        wait_until_dead(process)
        assert measurer.measure(STATEMENT, LOOPS).verified


def test_fork_starts_a_process_of_its_own(measurer: Measurer) -> None:
    measurer.measure(STATEMENT, LOOPS)
    before = process_of(measurer)
    fork = os.fork()
    if fork == 0:
        try:
            verified = measurer.measure(STATEMENT, LOOPS).verified
            own = process_of(measurer) != before
            measurer.close()
            os._exit(0 if verified and own else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 0
    assert alive(before)
    assert measurer.measure(STATEMENT, LOOPS).verified
    assert process_of(measurer) == before


def test_copy_starts_a_process_of_its_own(measurer: Measurer) -> None:
    """Copying takes the same way as pickling."""
    measurer.measure(STATEMENT, LOOPS)
    with copy.deepcopy(measurer) as other:
        assert other.run_limit_s == measurer.run_limit_s
        assert other.measure(STATEMENT, LOOPS).verified
        assert process_of(other) != process_of(measurer)


def test_close_ends_the_process() -> None:
    measurer = Measurer()
    measurer.close()
    measurer.measure(STATEMENT, LOOPS)
    process = process_of(measurer)
    measurer.close()
    assert not alive(process)
    measurer.close()


@pytest.mark.parametrize(
    "ending", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()", "del measurer; time.sleep(60)"]
)
def test_no_orphans(ending: str) -> None:
    program = (
        "import os, signal, sys, time\n"
        "from rllib_envs.loop_nest.backend import Loop, Measurer\n"
        "from rllib_envs.loop_nest.kinds import make_statement\n"
        "measurer = Measurer()\n"
        "measurer.measure(make_statement('row_max', {'m': 2, 'n': 2}), (Loop('m', 1), Loop('n', 1)))\n"
        "print(measurer._child._process.pid, flush=True)\n"
        f"{ending}\n"
    )
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        process = int(owner.stdout.readline())
        wait_until_dead(process)
        owner.kill()


def test_wrong_code_is_refused(bench: MeasuringBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code generator with a fault: it computes the largest of the products instead of their sum."""
    monkeypatch.setattr(
        child,
        "compile_kernel",
        lambda statement, loops, backend: compile_kernel(replace(statement, reduce="max"), loops, backend),
    )
    measured = bench.measure(Request(STATEMENT, LOOPS))
    assert measured.error.startswith("wrong result in 1024 of 1024 elements")
    assert (measured.gflops, measured.samples) == (0.0, 0)


@pytest.mark.parametrize(
    ("flags", "backend", "time_source"),
    [
        (processor.AVX2 | processor.TIME_STAMPS, "avx2", "time-stamp counter"),
        (frozenset(), "llvm", "system clock"),
    ],
)
def test_processor_without_avx512(
    monkeypatch: pytest.MonkeyPatch, flags: frozenset[str], backend: str, time_source: str
) -> None:
    if not processor.processor_flags() >= flags:
        pytest.skip("needs the processor's flags")
    monkeypatch.setattr(processor, "processor_flags", lambda: flags)
    bench = MeasuringBench(run_limit_s=2.0, budget_s=1e-3)
    assert bench.ready() == (backend, time_source, bench.peak)
    measured = undisturbed(bench)
    assert 0 < measured.fraction_of_peak <= HIGHEST_PLAUSIBLE_FRACTION


@pytest.mark.parametrize("backend", usable_backends())
def test_backend_by_name(backend: str) -> None:
    with Measurer(backend=backend) as measurer:
        assert measurer.measure(STATEMENT, LOOPS).verified
        assert measurer.ready().backend == choose_backend(backend)


def test_unknown_backend_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="unknown loop-nest backend 'avx521'; did you mean 'avx512'"):
        Measurer(backend="avx521")


def test_implausible_speed_is_refused(bench: MeasuringBench, monkeypatch: pytest.MonkeyPatch) -> None:
    low = Peak(gflops=1.0, flop_per_cycle=0.01)
    monkeypatch.setattr(bench, "peak", low)
    monkeypatch.setattr(child, "measure_peak", lambda *_: low)
    assert bench.measure(Request(STATEMENT, LOOPS)).error.startswith("implausible: ")


def test_peak_that_was_measured_too_low_is_measured_again(
    bench: MeasuringBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = undisturbed(bench, lambda: monkeypatch.setattr(bench, "peak", Peak(gflops=1.0, flop_per_cycle=0.01)))
    assert measured.fraction_of_peak == pytest.approx(measured.flop_per_cycle / bench.peak.flop_per_cycle)
    assert bench.peak.flop_per_cycle > 1


def test_unexpected_failure_is_raised_with_its_trace(bench: MeasuringBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(child, "compile_kernel", fail)
    near, far = Pipe()
    with near, far:
        near.send(Request(STATEMENT, LOOPS))
        answers = threading.Thread(target=serve, args=(far, bench))
        answers.start()
        reply = near.recv()
        assert isinstance(reply, MeasuringError)
        assert "out of order" in str(reply)
        near.close()
        answers.join()


def test_interrupt_does_not_mix_up_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with Measurer() as measurer:
        measurer.measure(STATEMENT, LOOPS)
        assert measurer._child is not None

        def interrupt(_: float) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(measurer._child.connection, "poll", interrupt)
        with pytest.raises(KeyboardInterrupt):
            measurer.measure(STATEMENT, LOOPS)
        slow = make_statement("mm", {"m": 64, "n": 64, "k": 64})
        assert measurer.measure(slow, simple("mnk")).flop_per_cycle < 10
