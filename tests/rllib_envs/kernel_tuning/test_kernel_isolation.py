"""A candidate that crashes or hangs TVM costs only itself; TVM stays in its process, which leaves nothing behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rllib_envs.cores import CoreLocks
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from tests.processes import alive
from tests.rllib_envs.kernel_tuning.kernels import DENSE, TASKS

REPOSITORY = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
TASK = TASKS["dense"]
GENE = (0, 0, 0, 0)


def process_of(measurer: KernelMeasurer) -> int:
    assert measurer._child is not None
    return measurer._child._process.pid


def wait_until_dead(pid: int) -> None:
    limit = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < limit, f"process {pid} is still there"
        time.sleep(0.02)


@pytest.mark.slow
def test_crashes_and_hangs_cost_only_their_candidate(tmp_path: Path) -> None:
    with KernelMeasurer(limit_s=4.0) as measurer:
        measurer._cores = CoreLocks(tmp_path)  # so that nobody else's measurement delays the request
        assert measurer.measure(TASK, GENE).status == "ok"
        process = process_of(measurer)
        os.kill(process, signal.SIGSTOP)  # so that it is certain to die with the request unanswered

        def end() -> None:
            os.kill(process, signal.SIGSEGV)
            os.kill(process, signal.SIGCONT)

        crash = threading.Timer(0.1, end)
        crash.start()
        crashed = measurer.measure(TASK, GENE)
        crash.join()
        assert crashed.status == "crash" and crashed.reason.startswith("crash: SIG") and crashed.seconds == 0

        assert measurer.measure(TASK, GENE).status == "ok"
        process = process_of(measurer)
        os.kill(process, signal.SIGSTOP)
        hung = measurer.measure(TASK, GENE)
        assert (hung.status, hung.reason) == ("timeout", "time-out: no answer within 4.0 s")
        assert process_of(measurer) != process, "the next one has started already"
        wait_until_dead(process)

        assert measurer.canonical(TASK, [GENE]) == [GENE]
        assert measurer.measure(TASK, GENE).status == "ok"


def test_death_while_idle_goes_unnoticed_and_copies_have_processes_of_their_own() -> None:
    with KernelMeasurer() as measurer:
        space = measurer.open(TASK).space
        os.kill(process_of(measurer), signal.SIGKILL)
        wait_until_dead(process_of(measurer))
        assert measurer.measure(TASK, GENE).status == "ok"
        copy = pickle.loads(pickle.dumps(measurer))  # noqa: S301  (our own bytes)
        assert copy._child is None and copy.open(TASK).space == space, "what is known of tasks is copied"
        assert copy._child is None


def test_a_spare_ends_with_its_owner() -> None:
    with KernelMeasurer() as measurer:
        measurer.ready()
        measurer._have_spare()
        processes = [one._process.pid for one in (measurer._child, measurer._spare) if one is not None]
        assert len(set(processes)) == 2
    for process in processes:
        wait_until_dead(process)


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()"])
def test_no_orphans(ending: str) -> None:
    program = (
        "import os, signal, sys\n"
        "from rllib_envs.kernel_tuning.measure import KernelMeasurer\n"
        "measurer = KernelMeasurer()\n"
        "measurer.ready()\n"
        "print(measurer._child._process.pid, flush=True)\n"
        f"{ending}\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        wait_until_dead(int(owner.stdout.readline()))
        owner.kill()


def test_no_tvm_in_the_process_that_asks() -> None:
    program = (
        "import sys\n"
        "from rllib_envs.registry import make_problem\n"
        "from rllib_envs.problem import Benchmark\n"
        "problem = make_problem('kernel_tuning')\n"
        f"state = problem.initial(Benchmark('one', 'kernel_tuning', {DENSE}))\n"
        "assert problem.evaluate(state).verified\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('tvm', 'torch', 'ray')])\n"
    )
    run = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n", "")


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(UserError, match="limit of a candidate is 0 s"):
        KernelMeasurer(limit_s=0)
