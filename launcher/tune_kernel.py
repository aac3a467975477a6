"""`tunewright tune kernel_tuning kernel.json` without a policy: GA-DQN tunes the kernel, and learns as it does."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from rich.console import Console

from eval.budget import Budget
from eval.kernel_tuners.searchers import GeneSearcher
from eval.network_tuning.journal import TRIALS, Journal
from eval.network_tuning.progress import LiveProgress
from eval.network_tuning.tables import short
from eval.network_tuning.tuning import Tuning
from eval.wording import number, times
from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.notation import candidate_text
from rllib_envs.kernel_tuning.protocol import OK
from rllib_envs.kernel_tuning.task import PROBLEM, KernelTask
from rllib_envs.problem import Benchmark

TUNER, BATCH = "ga_dqn", 8


def run_tune_kernel(benchmark: Benchmark, seconds: float, emit: Path | None) -> None:
    """Tune for so many seconds, print the best schedule and its speed measured anew, and write it where asked.

    UserError for seconds that are none, MeasuringError where nothing works.
    """
    if not seconds > 0:
        raise UserError(f"--seconds is {seconds:g}; give more than 0")
    task = KernelTask.from_benchmark(benchmark)
    with MeasuringCrew() as crew, tempfile.TemporaryDirectory() as folder:
        space = crew.open(task).space
        print(f"{benchmark.name}: no policy for {PROBLEM} here; GA-DQN searches {space.size:,} genes")
        searcher = GeneSearcher(TUNER, lambda task: crew.open(task).space, seed=0)
        with (
            closing(Journal(Path(folder) / TRIALS, {"measured_on": measured_on()})) as journal,
            LiveProgress(Console(), benchmark.name) as progress,
        ):
            (found,) = Tuning(searcher, crew, journal, Budget(seconds=seconds), BATCH, progress).run([(task, 1)])
        if found.schedule is None or isinstance(found.schedule, str):
            raise MeasuringError(f"none of {found.trials} schedules works; give more --seconds")
        width = max(len(knob.name) for knob in space.knobs)
        for knob, choice in zip(space.knobs, found.schedule, strict=True):
            print(f"  {knob.name:{width}}  {candidate_text(knob, choice)}")
        (anew,) = crew.measure(task, [found.schedule])
        if anew.status != OK:
            raise MeasuringError(f"the schedule was not found right again: {anew.status}: {anew.reason}")
        print(
            f"verified: {short(anew.seconds)}, {number(task.flops / anew.seconds / 1e9)} GFLOPS, "
            f"{times(found.untuned / anew.seconds)} over TVM without a schedule"
        )
        if emit:
            crew.write_database(task, [(found.schedule, anew.seconds)], emit)
            print(f"added to the tuning records of TVM in {emit}")
        print(f"tuned in {seconds:g} s with {found.trials} trials")
