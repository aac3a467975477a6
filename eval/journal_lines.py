"""What a comparison writes down of each search and of each benchmark, as JSON values and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from eval.comparison import Row
from eval.plan import Turn
from eval.scoring import Runs, Scores, curves
from eval.trial import CurvePoint, Node, Outcome
from rllib_envs.problem import Benchmark, Evaluation, Problem

SEARCH, SCORES = "search", "scores"

Written = TypeVar("Written", Row, Evaluation)


def search_line(benchmark: Benchmark, turn: Turn, outcome: Outcome, problem: Problem[Any]) -> dict[str, Any]:
    """One search. Its answer is written as the actions that lead to it."""
    line = {
        "kind": SEARCH,
        "benchmark": benchmark.name,
        "method": turn.method,
        "seed": turn.seed,
        "seconds": outcome.seconds,
        "evaluations": outcome.evaluations,
        "actions": [problem.actions[action] for action in outcome.best.actions],
        "start": asdict(outcome.start),
        "claimed": asdict(outcome.claimed),
        "curve": [list(point) for point in outcome.curve],
    }
    return {name: _plain(value) for name, value in line.items()}


def outcome_of(line: Mapping[str, Any], benchmark: Benchmark, problem: Problem[Any]) -> Outcome:
    """The search behind a line. Raises ValueError, KeyError or TypeError where it is none."""
    node = Node(problem.initial(benchmark))
    for name in line["actions"]:
        action = problem.actions.index(name)
        node = Node(problem.apply(node.state, action), (*node.actions, action))
    curve = tuple(
        CurvePoint(float(seconds), int(evaluations), float(value)) for seconds, evaluations, value in line["curve"]
    )
    spent = float(line["seconds"]), int(line["evaluations"])
    return Outcome(_read(Evaluation, line["start"]), node, _read(Evaluation, line["claimed"]), curve, *spent)


def scores_line(benchmark: Benchmark, scores: Scores, seconds: float) -> dict[str, Any]:
    """What was measured anew on one benchmark, and how long that took."""
    assert scores.start is not None, "what was lost is not written down"
    line = {
        "kind": SCORES,
        "benchmark": benchmark.name,
        "seconds": seconds,
        "start": asdict(scores.start),
        "rows": [asdict(row) for row in scores.rows],
    }
    return {name: _plain(value) for name, value in line.items()}


def scores_of(line: Mapping[str, Any], benchmark: Benchmark, runs: Runs) -> Scores:
    """The scores behind a line; the curves are those of the searches. Raises as `outcome_of` does."""
    return Scores(_read(Evaluation, line["start"]), rows_of(line), curves(benchmark, runs))


def rows_of(line: Mapping[str, Any]) -> list[Row]:
    """The rows behind a line of scores. Raises as `outcome_of` does."""
    return [_read(Row, content) for content in line["rows"]]


def _read(kind: type[Written], content: Mapping[str, Any]) -> Written:
    """The dataclass that was written as a dictionary of its fields. What is not in it is as it is by default."""
    hints = get_type_hints(kind)
    return kind(**{name: _typed(value, hints[name]) for name, value in content.items()})


def _typed(value: Any, hint: Any) -> Any:
    """A field's value as its type has it: JSON knows neither tuples nor, as numbers, NaN and infinity."""
    if hint is float:
        return float(value)
    if get_origin(hint) is tuple:
        return tuple(_typed(each, get_args(hint)[0]) for each in value)
    if get_origin(hint) is Mapping:
        return {name: _typed(each, get_args(hint)[1]) for name, each in value.items()}
    return value


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are written as text, which `float` reads."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return value
