"""`tunewright tune kernel_tuning kernel.json`: by a policy's schedules, or GA-DQN for some time, or both in turn."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.console import Console

from eval.budget import Budget
from eval.kernel_tuners.policy_draws import PolicyDraws
from eval.kernel_tuners.searchers import POLICY, make_searcher
from eval.network_tuning.allotment import Standing
from eval.network_tuning.journal import TRIALS, Journal
from eval.network_tuning.progress import LiveProgress
from eval.network_tuning.tables import short
from eval.network_tuning.tuning import Tuning
from eval.wording import number, times
from launcher.folders import choose_policy
from models.ga_dqn.knowledge import read_knowledge, read_provenance
from models.ga_dqn.settings import GADQNSettings
from models.shipped import shipped_knowledge
from rllib_envs.errors import MeasuringError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.gene_space import GeneSpace
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.notation import candidate_text
from rllib_envs.kernel_tuning.protocol import OK
from rllib_envs.kernel_tuning.task import PROBLEM, KernelTask
from rllib_envs.problem import Benchmark

TUNER, BATCH = "ga_dqn", 8
SECONDS = 10.0
"""For GA-DQN, where there is no policy and --seconds says nothing else."""


def run_tune_kernel(benchmark: Benchmark, given: Path | None, seconds: float | None, emit: Path | None) -> None:
    """Tune, print the best schedule and its speed measured anew, and write it where asked.

    A policy's best schedule and a few drawn ones are tried, and are where GA-DQN begins if there are `seconds` for it.
    UserError for a policy that was `given` and was not made for such a kernel, MeasuringError where nothing works.
    """
    task = KernelTask.from_benchmark(benchmark)
    with MeasuringCrew() as crew, tempfile.TemporaryDirectory() as folder:
        space = crew.open(task).space
        found, how = choose_policy(given, PROBLEM, lambda policy: PolicyDraws(policy, task, space))
        policy = found.policy if found else None
        alone = policy is not None and seconds is None
        known = None if alone else shipped_knowledge()
        knowledge = read_knowledge(known, GADQNSettings()) if known else None
        tries = f"its best schedule and {BATCH - 1} others" if alone else f"GA-DQN searches {space.size:,} genes"
        print(f"{benchmark.name}, {how}; {tries}{_origin(known) if known else ''}")
        searcher = make_searcher(
            POLICY if alone else TUNER, lambda task: crew.open(task).space, 0, knowledge=knowledge, policy=policy
        )
        budget = Budget(evaluations=BATCH) if alone else Budget(seconds=seconds or SECONDS)
        began = time.perf_counter()
        with (
            closing(Journal(Path(folder) / TRIALS, {"measured_on": measured_on()})) as journal,
            LiveProgress(Console(), benchmark.name) as progress,
        ):
            (tuned,) = Tuning(searcher, crew, journal, budget, BATCH, progress).run([(task, 1)])
        _show(task, space, tuned, crew, emit)
        print(f"tuned in {time.perf_counter() - began:.1f} s with {tuned.trials} trials")


def _origin(knowledge: Path) -> str:
    """Of what GA-DQN knows before."""
    there = str(read_provenance(knowledge).get("measured_on", "an unknown machine")).partition(", ")[0]
    elsewhere = "" if there == measured_on().partition(", ")[0] else f", as they are on {there}"
    return f" with what it knows of other kernels{elsewhere}"


def _show(task: KernelTask, space: GeneSpace, tuned: Standing, crew: MeasuringCrew, emit: Path | None) -> None:
    """What was found, measured anew, and into the tuning records if it is faster than what TVM does without."""
    if tuned.schedule is None or isinstance(tuned.schedule, str):
        raise MeasuringError(f"none of {tuned.trials} schedules works; give more --seconds")
    width = max(len(knob.name) for knob in space.knobs)
    for knob, choice in zip(space.knobs, tuned.schedule, strict=True):
        print(f"  {knob.name:{width}}  {candidate_text(knob, choice)}")
    (anew,) = crew.measure(task, [tuned.schedule])
    if anew.status != OK:
        raise MeasuringError(f"the schedule was not found right again: {anew.status}: {anew.reason}")
    print(
        f"verified: {short(anew.seconds)}, {number(task.flops / anew.seconds / 1e9)} GFLOPS, "
        f"{times(tuned.untuned / anew.seconds)} over TVM without a schedule"
    )
    if anew.seconds > tuned.untuned:
        print("TVM without a schedule is faster; it stays without one")
    elif emit:
        crew.write_database(task, [(tuned.schedule, anew.seconds)], emit)
        print(f"added to the tuning records of TVM in {emit}")
