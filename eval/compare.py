"""Compare searches, a policy and baselines: equal budgets, runs in turns, answers measured anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from eval.bookkeeping import Bookkeeper, Progress
from eval.budget import Budget
from eval.comparison import Comparison
from eval.course import Course
from eval.journal import Journal
from eval.plan import Plan, own_baselines
from eval.remaining import Remaining
from eval.remeasure import ROUNDS
from eval.resumed import resumed_courses
from eval.scoring import Baseline, Scores
from eval.searches.policy import ActingPolicy
from eval.trial import Clock
from eval.workers.crew import Crew
from eval.workers.messages import Job
from eval.workers.station import Station
from rllib_envs.cores import Core
from rllib_envs.errors import TunewrightError
from rllib_envs.problem import Benchmark, Problem
from rllib_envs.registry import make_problem

__all__ = ["ComparisonFailed", "Progress", "carry_out", "compare"]


class ComparisonFailed(TunewrightError):
    """Nothing could be measured on any benchmark."""


def compare(
    problem: Problem[Any],
    benchmarks: Sequence[Benchmark],
    methods: Sequence[str],
    budget: Budget,
    seeds: Sequence[int] = (0,),
    policy: ActingPolicy | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    policy_multiple: float | None = 10.0,
    horizon: int | None = None,
    baselines: Mapping[str, Baseline] | None = None,
    clock: Clock = time.perf_counter,
) -> Comparison:
    """Make a plan, and carry it out in this process without writing anything.

    The arguments are those of `Plan.make` and `carry_out`; `baselines` are the problem's own by default.
    """
    plan = Plan.make(
        benchmarks,
        methods,
        budget,
        seeds,
        policy,
        policy_multiple=policy_multiple,
        horizon=horizon,
        baselines=own_baselines if baselines is None else lambda _: baselines,
    )
    return carry_out(problem, plan, progress=progress, clock=clock)


def carry_out(
    problem: Problem[Any],
    plan: Plan,
    *,
    cores: Sequence[Core] = (),
    journal: Journal | None = None,
    graphs: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    clock: Clock = time.perf_counter,
    make: Callable[[], Problem[Any]] | None = None,
) -> Comparison:
    """Run every method on every benchmark with every seed, each from an empty cache and on the same budget.

    Methods take turns on each benchmark, in an order shuffled by seed, so that a drift of the machine hits
    all alike. Their answers are then measured anew, together with the untuned state and the baselines. Before
    any clock starts, the untuned state is evaluated and the policy asked once: starting processes is charged
    to nobody.

    Args:
        cores: a worker process on each of them goes through one benchmark after the other. Without any, everything
            happens in this process, and what a method raises is raised instead of costing it this search.
        journal: what is measured is written there at once, and what is there already is not measured again.
        graphs: the folder for the pictures of the searches, where the plan has them recorded.
        progress: is told of each search that has ended.
        make: makes the workers' problems; the registered one of this name and configuration by default.

    An interrupt from the keyboard ends the comparison with the benchmarks that are complete, and is raised again if
    there is none. Raises UserError for a benchmark that can't be started from, NotWritten where the journal or a
    picture can't be written, and ComparisonFailed.
    """
    plan.check_benchmarks(problem)
    courses = resumed_courses(problem, plan, journal.lines if journal else ())
    remaining = Remaining(plan, courses, len(cores))
    books = Bookkeeper(problem, courses, remaining, journal=journal, graphs=graphs, progress=progress)
    interrupted = False
    try:
        if cores:
            job = Job(make or partial(make_problem, problem.name, dict(problem.config)), plan)
            Crew(job, cores).run([course for course in courses if course.scores is None], books.note)
        else:
            _alone(Station(problem, plan, clock), courses, books)
    except KeyboardInterrupt:
        interrupted = True
    scores = [course.scores for course in courses if course.scores is not None]
    if interrupted and not scores:
        raise KeyboardInterrupt
    return _comparison(problem, plan, scores, interrupted)


def _alone(station: Station, courses: Sequence[Course], books: Bookkeeper) -> None:
    """Go through all courses in this process."""
    for course in courses:
        while (order := course.next()) is not None:
            result = station.carry_out(order)
            seconds = time.monotonic() - course.since
            course.take(result)
            books.note(course, order, result, seconds)


def _comparison(problem: Problem[Any], plan: Plan, scores: Sequence[Scores], interrupted: bool) -> Comparison:
    rows = tuple(row for part in scores for row in part.rows)
    start = next((part.start for part in scores if part.start is not None), None)
    if start is None:
        raise ComparisonFailed(f"nothing could be measured; on {rows[0].benchmark}: {rows[0].error}")
    found = {row.method: None for row in rows if row.seed is None}
    return Comparison(
        problem=problem.name,
        problem_config=problem.config,
        unit=start.unit,
        higher_is_better=start.higher_is_better,
        how=start.how,
        budget=plan.budget,
        seeds=plan.seeds,
        methods=plan.methods,
        rounds=ROUNDS,
        baselines=tuple(found),
        policy_multiples=plan.policy_multiples,
        rows=rows,
        curves=tuple(curve for part in scores for curve in part.curves),
        interrupted=interrupted,
        splits=plan.splits,
        suite=plan.suite,
    )
