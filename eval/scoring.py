"""From the outcomes on one benchmark to its rows: answers measured anew, and set in proportion."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from eval.comparison import Curve, Row, speedup_or_least
from eval.remeasure import Remeasured, remeasure
from eval.trial import Outcome
from eval.walk import walk
from rllib_envs.problem import Benchmark, Evaluation, Problem


class Failure(NamedTuple):
    """A search that was lost: what it ran in has crashed, hung or been killed, and again when it was tried again."""

    error: str


Runs = Mapping[tuple[str, int], Outcome | Failure]
"""What became of the searches on one benchmark, by method and seed."""

Baseline = Callable[[Benchmark], Evaluation | None]
"""Measures once, in the problem's unit and on its clock; None where it has no answer for a benchmark. Its details may
tell `tuning_seconds` and `tuning_trials`."""


class Scores(NamedTuple):
    """What a comparison learns from one benchmark."""

    start: Evaluation | None
    """The untuned state, measured anew; None where that was lost."""
    rows: list[Row]
    curves: list[Curve]


def score(problem: Problem[Any], benchmark: Benchmark, runs: Runs, baselines: Mapping[str, Baseline]) -> Scores:
    """Measure the untuned state, every answer and every baseline in common rounds, and write the rows.

    Answers that are the same solution are measured as one, so that no difference is read into them. An answer
    that fails now counts as the untuned state, which is what a user would fall back to; so does a search that was lost.
    States on the way to the best answer of each method, where not yet measured, are then measured once.
    """
    outcomes = {turn: run for turn, run in runs.items() if isinstance(run, Outcome)}
    root = problem.initial(benchmark)
    start_key = problem.objective_key(root)
    states = {start_key: root}
    states |= {problem.objective_key(outcome.best.state): outcome.best.state for outcome in outcomes.values()}
    measures: dict[Hashable, Callable[[], Evaluation | None]] = {
        ("answer", key): partial(problem.evaluate, state) for key, state in states.items()
    }
    measures |= {("baseline", name): partial(measure, benchmark) for name, measure in baselines.items()}
    for measure in baselines.values():
        measure(benchmark)  # what it compiles and searches for once must not come between the rounds
    found = remeasure(measures, np.random.default_rng(zlib.crc32(benchmark.name.encode())))

    start = found["answer", start_key].evaluation
    rivals = {name: found["baseline", name] for name in baselines if ("baseline", name) in found}
    before = problem.describe(root)
    rows = [_baseline_row(benchmark, name, measured, start, rivals) for name, measured in rivals.items()]
    for (method, seed), run in runs.items():
        if isinstance(run, Failure):
            marks = (_ratio(start, start), _ratios(start, rivals))
            rows.append(_lost_row(benchmark, method, seed, start.value, *marks, run.error))
            continue
        measured = found["answer", problem.objective_key(run.best.state)]
        now = measured.evaluation if measured.evaluation.verified else start
        rows.append(
            Row(
                benchmark=benchmark.name,
                method=method,
                seed=seed,
                start=start.value,
                value=now.value,
                claimed=run.claimed.value,
                speedup=_ratio(now, start),
                ratios=_ratios(now, rivals),
                spread=measured.spread,
                seconds=run.seconds,
                evaluations=run.evaluations,
                actions=tuple(problem.actions[action] for action in run.best.actions),
                error=measured.evaluation.error,
                before=before,
                after=problem.describe(run.best.state),
            )
        )
    known = {key: found["answer", key].evaluation for key in states}
    rows = _with_steps(problem, benchmark, rows, outcomes, known)
    return Scores(start, rows, curves(benchmark, runs))


def lost_scores(benchmark: Benchmark, runs: Runs, error: str) -> Scores:
    """The rows of a benchmark on which nothing could be measured anew: no value, and the reason."""
    rows = [_lost_row(benchmark, *turn, math.nan, math.nan, {}, error) for turn in runs]
    return Scores(None, rows, curves(benchmark, runs))


def _baseline_row(
    benchmark: Benchmark, name: str, measured: Remeasured, start: Evaluation, rivals: Mapping[str, Remeasured]
) -> Row:
    now = measured.evaluation
    value = now.value if now.verified else math.nan
    marks = (_ratio(now, start), _ratios(now, rivals), measured.spread)
    tuning = now.details.get("tuning_seconds", 0.0), int(now.details.get("tuning_trials", 0))
    return Row(benchmark.name, name, None, start.value, value, value, *marks, *tuning, error=now.error, how=now.how)


def _lost_row(
    benchmark: Benchmark, method: str, seed: int, start: float, speedup: float, ratios: Mapping[str, float], error: str
) -> Row:
    """A search without an answer: the untuned state is what is left, and it claimed nothing."""
    return Row(benchmark.name, method, seed, start, start, math.nan, speedup, ratios, math.nan, error=error)


def curves(benchmark: Benchmark, runs: Runs) -> list[Curve]:
    """How each search came to its answer; none of one that was lost."""
    return [
        Curve(benchmark.name, method, seed, run.start.value, run.curve, run.seconds)
        for (method, seed), run in runs.items()
        if isinstance(run, Outcome)
    ]


def _with_steps(
    problem: Problem[Any],
    benchmark: Benchmark,
    rows: list[Row],
    outcomes: Mapping[tuple[str, int], Outcome],
    known: dict[Hashable, Evaluation],
) -> list[Row]:
    """The rows, of which the best one of each method has `steps`."""
    walked = []
    for row in rows:
        ours = [other for other in rows if other.method == row.method]
        run = None if row.seed is None else outcomes.get((row.method, row.seed))
        if run is not None and row is max(ours, key=speedup_or_least):
            row = replace(row, steps=walk(problem, benchmark, run.best.actions, known))
        walked.append(row)
    return walked


def _ratio(now: Evaluation, other: Evaluation) -> float:
    """nan where one of the two has no verified value to put in proportion."""
    return now.speedup_over(other) if now.verified and other.verified else math.nan


def _ratios(now: Evaluation, rivals: Mapping[str, Remeasured]) -> dict[str, float]:
    return {name: _ratio(now, rival.evaluation) for name, rival in rivals.items()}
