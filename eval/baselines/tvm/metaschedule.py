"""TVM's MetaSchedule: evolutionary search over schedules, guided by an XGBoost model of what was measured.

With its own settings, except for those of `eval.metaschedule`, and that candidates are built and timed one by one in
forks of this process and by our own timer, which is much faster and more exact than its builder and runner.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tvm import s_tir
from tvm.s_tir.meta_schedule.search_strategy import EvolutionarySearch

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Prepared
from eval.baselines.protocol import NotAvailable
from eval.baselines.tvm.call import Arguments, compiled
from eval.baselines.tvm.expression import module
from eval.baselines.tvm.in_fork import in_fork
from eval.baselines.tvm.tuned import Tuned, tuned
from eval.metaschedule import BATCH, Evolution, cost_model
from rllib_envs.loop_nest.backend.child import MeasuringBench
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.tvm_host import target, version

POPULATION, LEAST_NEW = 512, 50
"""MetaSchedule's own: schedules that it breeds, by their predicted speed, for each batch, and those newly made."""
POPULATION_PER_TRIAL = 8
"""A short search breeds fewer: what is seldom measured need not be chosen from so many."""
SEED = 1
CANDIDATE_LIMIT_S = 10.0
"""Processor seconds for building a candidate and running it; most take a tenth of a second. A search of a minute can't
wait for one that is unrolled beyond measure."""
TIMINGS = 3
"""Of a candidate, of which the fastest counts: right behind the compiler, caches are not as they will be."""
CLOCK_HZ = 3e9
"""Cycles are told to MetaSchedule as seconds, at whatever clock: only their proportions count."""

Try = Callable[[Any], float | None]
"""Seconds that a scheduled module takes; None where it fails."""


def prepare(bench: MeasuringBench, workload: Workload, limits: TuningLimits) -> Prepared:
    arguments = Arguments(workload)

    def seconds(scheduled: Any) -> float:
        call = arguments.call(compiled(scheduled))
        return min(bench.cycles(call) for _ in range(TIMINGS)) / CLOCK_HZ

    task = module(workload.statement)
    with tuned(workload.statement, limits, version(), target()) as found:
        if not found.spent.complete:
            search(task, found, limits, lambda scheduled: in_fork(partial(seconds, scheduled), CANDIDATE_LIMIT_S))
        spent = found.spent
        began = time.perf_counter()
        function = compiled(best(task, found))
    total = spent.seconds + time.perf_counter() - began
    how = (
        f"{version()}, MetaSchedule with an XGBoost cost model, {spent.trials} trials in {spent.seconds:.0f} s "
        f"(of {limits.trials} and {limits.seconds:g} s allowed)"
    )
    return Prepared(arguments.call(function), how, total, spent.trials)


def search(task: Any, found: Tuned, limits: TuningLimits, attempt: Try) -> None:
    """Go on from what was found until a limit is reached. A batch is chosen to its end, beyond the limit if need be."""
    mark = time.perf_counter()
    deadline = mark + limits.seconds - found.spent.seconds
    population = min(POPULATION, POPULATION_PER_TRIAL * limits.trials)
    evolution = Evolution(
        task,
        target(),
        cost_model(),
        SEED + found.spent.trials,
        database=found.database,
        strategy=EvolutionarySearch(population_size=population, init_min_unmeasured=min(LEAST_NEW, population)),
        trials=limits.trials - found.spent.trials,
    )
    known = list(found.database.get_all_tuning_records())  # before the search was cut short
    evolution.learn([one.as_measure_candidate() for one in known], [float(one.run_secs[0]) for one in known])
    while not _over(deadline, found) and (candidates := evolution.candidates()):
        times = []
        for candidate in candidates:
            seconds = attempt(candidate.sch.mod)
            if seconds is not None:
                evolution.record(candidate, seconds)
            times.append(seconds)
            now = time.perf_counter()
            found.save(found.spent.plus(trials=1, failed=int(seconds is None), seconds=now - mark))
            mark = now
            if _over(deadline, found):
                break
        else:
            evolution.end_batch(candidates, times)
            evolution.learn(candidates, times)
    evolution.end()
    found.save(replace(found.spent, complete=True))


def _over(deadline: float, found: Tuned) -> bool:
    """Whether the time is up. One batch is measured in any case: less would be no search."""
    return time.perf_counter() >= deadline and found.spent.trials >= BATCH


def best(task: Any, found: Tuned) -> Any:
    """The module with the schedule that was fastest."""
    records = found.database.get_top_k(found.database.commit_workload(task), 1)
    if not records:
        raise NotAvailable(f"none of {found.spent.trials} schedules that MetaSchedule tried could be built and run")
    schedule = s_tir.Schedule(task)
    records[0].trace.apply_to_schedule(schedule, remove_postproc=False)
    return schedule.mod
