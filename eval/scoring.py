"""From the outcomes on one benchmark to its rows: answers measured anew, and set in proportion."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from eval.comparison import Curve, Row
from eval.remeasure import Remeasured, remeasure
from eval.trial import Outcome
from rllib_envs.problem import Benchmark, Evaluation, Problem

Runs = dict[tuple[str, int], Outcome]
"""The outcomes on one benchmark, by method and seed."""

Baseline = Callable[[Benchmark], Evaluation | None]
"""Measures once, in the problem's unit and on its clock; None where it has no answer for a benchmark. Its details may
tell `tuning_seconds` and `tuning_trials`."""


class Scores(NamedTuple):
    """What a comparison learns from one benchmark."""

    start: Evaluation
    """The untuned state, measured anew."""
    rows: list[Row]
    curves: list[Curve]


def score(problem: Problem[Any], benchmark: Benchmark, runs: Runs, baselines: Mapping[str, Baseline]) -> Scores:
    """Measure the untuned state, every answer and every baseline in common rounds, and write the rows.

    Answers that are the same solution are measured as one, so that no difference is read into them. An answer
    that fails now counts as the untuned state, which is what a user would fall back to.
    """
    root = problem.initial(benchmark)
    start_key = problem.objective_key(root)
    states = {start_key: root}
    states |= {problem.objective_key(outcome.best.state): outcome.best.state for outcome in runs.values()}
    measures: dict[Hashable, Callable[[], Evaluation | None]] = {
        ("answer", key): partial(problem.evaluate, state) for key, state in states.items()
    }
    measures |= {("baseline", name): partial(measure, benchmark) for name, measure in baselines.items()}
    for measure in baselines.values():
        measure(benchmark)  # what it compiles and searches for once must not come between the rounds
    found = remeasure(measures, np.random.default_rng(zlib.crc32(benchmark.name.encode())))

    start = found["answer", start_key].evaluation
    rivals = {name: found["baseline", name] for name in baselines if ("baseline", name) in found}
    rows = []
    for name, measured in rivals.items():
        now = measured.evaluation
        value = now.value if now.verified else math.nan
        marks = (_ratio(now, start), _ratios(now, rivals), measured.spread)
        tuning = now.details.get("tuning_seconds", 0.0), int(now.details.get("tuning_trials", 0))
        rows.append(
            Row(benchmark.name, name, None, start.value, value, value, *marks, *tuning, error=now.error, how=now.how)
        )
    for (method, seed), outcome in runs.items():
        measured = found["answer", problem.objective_key(outcome.best.state)]
        now = measured.evaluation if measured.evaluation.verified else start
        rows.append(
            Row(
                benchmark=benchmark.name,
                method=method,
                seed=seed,
                start=start.value,
                value=now.value,
                claimed=outcome.claimed.value,
                speedup=_ratio(now, start),
                ratios=_ratios(now, rivals),
                spread=measured.spread,
                seconds=outcome.seconds,
                evaluations=outcome.evaluations,
                actions=tuple(problem.actions[action] for action in outcome.best.actions),
                error=measured.evaluation.error,
            )
        )
    curves = [
        Curve(benchmark.name, method, seed, outcome.start.value, outcome.curve, outcome.seconds)
        for (method, seed), outcome in runs.items()
    ]
    return Scores(start, rows, curves)


def _ratio(now: Evaluation, other: Evaluation) -> float:
    """nan where one of the two has no verified value to put in proportion."""
    return now.speedup_over(other) if now.verified and other.verified else math.nan


def _ratios(now: Evaluation, rivals: Mapping[str, Remeasured]) -> dict[str, float]:
    return {name: _ratio(now, rival.evaluation) for name, rival in rivals.items()}
