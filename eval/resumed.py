"""From the journal of a comparison to what is left of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from eval.course import Course
from eval.journal_lines import SCORES, SEARCH, outcome_of, scores_of
from eval.plan import Plan, Turn
from eval.trial import Outcome
from rllib_envs.errors import IllegalAction
from rllib_envs.problem import Benchmark, Problem

_log = logging.getLogger(__name__)


def resumed_courses(problem: Problem[Any], plan: Plan, lines: Sequence[Mapping[str, Any]]) -> list[Course]:
    """The course of each benchmark of a plan, as far as the lines of a journal say that it was gone through.

    Lines that are none of ours are passed over, so what they were about is done again.
    """
    benchmarks = {benchmark.name: benchmark for benchmark in plan.benchmarks}
    known: dict[str, dict[Turn, Outcome]] = {name: {} for name in benchmarks}
    scored: dict[str, Mapping[str, Any]] = {}
    passed_over = 0
    for line in lines:
        try:
            benchmark = benchmarks[line["benchmark"]]
            if line["kind"] == SCORES:
                scored[benchmark.name] = line
            elif line["kind"] == SEARCH:
                turn = Turn(line["method"], line["seed"])
                known[benchmark.name][turn] = outcome_of(line, benchmark, problem)
        except (ValueError, LookupError, TypeError, AttributeError, IllegalAction):
            passed_over += 1
    if passed_over:
        _log.warning("%d lines of the journal can't be read; what they were about is done again", passed_over)
    return [_course(plan, benchmark, known[name], scored.get(name)) for name, benchmark in benchmarks.items()]


def _course(plan: Plan, benchmark: Benchmark, known: Mapping[Turn, Outcome], line: Mapping[str, Any] | None) -> Course:
    course = Course(plan, benchmark, known)
    if line is not None and not course.missing:
        try:
            course.scores = scores_of(line, benchmark, course.runs)
        except (ValueError, LookupError, TypeError, AttributeError):
            _log.warning("the journal's values of %s can't be read; its answers are measured again", benchmark.name)
    return course
