"""Compare searches, a policy and baselines: equal budgets, interleaved runs, answers measured anew."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from eval.budget import Budget
from eval.comparison import Comparison
from eval.remeasure import ROUNDS
from eval.scoring import Baseline, Runs, Scores, score
from eval.searches import Search, make_search
from eval.searches.policy import ActingPolicy
from eval.searches.run import run_search
from eval.trial import Clock, Outcome, Trial
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark, Problem


class Progress(NamedTuple):
    """One search has ended."""

    done: int
    total: int
    benchmark: str
    method: str
    seed: int
    outcome: Outcome


class Entry(NamedTuple):
    """A method of a comparison."""

    search: Search
    policy_multiple: float | None = None
    """Where given, its budget is this many times the seconds of the method `policy`, not the common one."""


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
    """Run every method on every benchmark with every seed, each from an empty cache and on the same budget.

    Methods take turns on each benchmark, in an order shuffled by seed, so that a drift of the machine hits
    all alike. Their answers are then measured anew, together with the untuned state and the baselines. Before
    any clock starts, the untuned state is evaluated and the policy asked once: starting processes is charged
    to nobody.

    Args:
        policy_multiple: where `policy` is among the methods, adds `random_10x`: random search on so many
            times the seconds that the policy took, on that benchmark with that seed. None leaves it out.
        horizon: decisions that lead to an answer at most; the problem's own number by default.
        baselines: by name; the problem's own by default.

    Raises UserError for unknown methods, a missing policy, and names that are missing or occur twice. An
    interrupt from the keyboard ends the comparison with the benchmarks that are complete, and is raised again
    if there is none.
    """
    for what, given in (
        ("benchmark", [one.name for one in benchmarks]),
        ("method", methods),
        ("seed", seeds),
    ):
        _check_distinct(what, given)
    entries = {name: Entry(make_search(name, policy)) for name in methods}
    if policy_multiple is not None and "policy" in entries:
        if not policy_multiple > 0:
            raise UserError(f"random search can't have {policy_multiple:g} times the policy's time; give more than 0")
        entries[f"random_{policy_multiple:g}x"] = Entry(make_search("random"), policy_multiple)
    known_baselines = problem.baselines() if baselines is None else baselines

    scores: list[Scores] = []
    report = _Reporter(progress, len(benchmarks) * len(seeds) * len(entries))
    interrupted = False
    try:
        for benchmark in benchmarks:
            _warm_up(problem, benchmark, budget, policy)
            runs = {}
            for seed in seeds:
                runs.update(_take_turns(problem, benchmark, entries, budget, seed, horizon, clock, report))
            scores.append(score(problem, benchmark, runs, known_baselines))
    except KeyboardInterrupt:
        if not scores:
            raise
        interrupted = True
    rows = tuple(row for part in scores for row in part.rows)
    present = {row.method for row in rows}
    return Comparison(
        problem=problem.name,
        problem_config=problem.config,
        unit=scores[0].start.unit,
        higher_is_better=scores[0].start.higher_is_better,
        how=scores[0].start.how,
        budget=budget,
        seeds=tuple(seeds),
        methods=tuple(entries),
        rounds=ROUNDS,
        baselines=tuple(name for name in known_baselines if name in present),
        policy_multiples={name: entry.policy_multiple for name, entry in entries.items() if entry.policy_multiple},
        rows=rows,
        curves=tuple(curve for part in scores for curve in part.curves),
        interrupted=interrupted,
    )


def _check_distinct(what: str, given: Sequence[str] | Sequence[int]) -> None:
    if not given:
        raise UserError(f"a comparison needs at least one {what}")
    twice = [one for index, one in enumerate(given) if one in given[:index]]
    if twice:
        raise UserError(f"the {what} {twice[0]!r} was given twice")


class _Reporter:
    """Counts the searches that have ended, and says so to whom it concerns."""

    def __init__(self, progress: Callable[[Progress], None] | None, total: int) -> None:
        self.progress = progress
        self.total = total
        self.done = 0

    def __call__(self, benchmark: str, method: str, seed: int, outcome: Outcome) -> None:
        self.done += 1
        if self.progress:
            self.progress(Progress(self.done, self.total, benchmark, method, seed, outcome))


def _warm_up(problem: Problem[Any], benchmark: Benchmark, budget: Budget, policy: ActingPolicy | None) -> None:
    trial = Trial(problem, benchmark, budget)
    if policy is not None and trial.moves(trial.root):
        policy.start().act(trial.policy_input(trial.root))


def _take_turns(
    problem: Problem[Any],
    benchmark: Benchmark,
    entries: Mapping[str, Entry],
    budget: Budget,
    seed: int,
    horizon: int | None,
    clock: Clock,
    report: _Reporter,
) -> Runs:
    """Run each method once, in random order; those that need the policy's time come behind the others."""
    order = np.random.default_rng([seed, zlib.crc32(benchmark.name.encode())]).permutation(len(entries))
    names = [list(entries)[index] for index in order]
    runs: Runs = {}
    for name in sorted(names, key=lambda name: entries[name].policy_multiple is not None):
        search, multiple = entries[name]
        limit = budget if multiple is None else Budget(seconds=multiple * runs["policy", seed].seconds)
        outcome = run_search(search, problem, benchmark, limit, seed=seed, stream=name, horizon=horizon, clock=clock)
        if outcome.interrupted:
            raise KeyboardInterrupt
        runs[name, seed] = outcome
        report(benchmark.name, name, seed, outcome)
    return runs
