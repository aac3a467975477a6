"""A replayed episode for people, and for programs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from eval.replay import Replay, Step
from eval.verification import Verification
from eval.wording import MISSING, number, times
from launcher.tables import print_table
from models.policy import Policy
from rllib_envs.problem import Evaluation, Problem

UNLIKELY = 0.005
"""Alternatives below this probability are not shown to people."""


def show(
    place: Path, policy: Policy, problem: Problem[Any], played: Replay, verified: Verification, likeliest: int
) -> None:
    """Print the steps, the answer, and whether it holds."""
    print(
        f"{played.benchmark.name}, policy {place}, trained by {policy.provenance.get('trainer', 'an unknown trainer')}"
    )
    print_table(_table(played, likeliest))
    print(f"expected: {played.start.unit} still to gain over the best so far, as the policy thought before each step")
    print("came:     what it was")
    actions = [problem.actions[action] for action in played.best.actions]
    print(f"Ended because {played.ended}. The answer is the best state, after {len(actions)} actions:")
    print(problem.describe(played.best.state))
    if verified.answer.verified:
        print(verified.sentence())
        print(f"measured as {verified.answer.how}")


def _table(played: Replay, likeliest: int) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    for name in ("step", "action", "or else", "expected", "came", played.start.unit, "speedup"):
        text = name in ("action", "or else")
        table.add_column(name, justify="left" if text else "right", no_wrap=name != "or else")
    answer = len(played.best.actions)
    table.add_row("0", "", "", "", "", *_measured(played.start, played.start), style="" if answer else "bold")
    for index, (step, came) in enumerate(zip(played.steps, played.still_to_gain(), strict=True), 1):
        scale = played.start.scale
        gains = (number(step.value * scale), number(came * scale))
        measured = ("", "") if step.evaluation is None else _measured(step.evaluation, played.start)
        taken, *others = _likeliest(step, likeliest)
        row = (str(index), taken, ", ".join(others), *gains, *measured)
        table.add_row(*map(Text, row), style="bold" if index == answer else "")
    return table


def _likeliest(step: Step, count: int) -> list[str]:
    """The best actions with their probabilities, the one that was taken first."""
    best = list(step.probabilities.items())[:count]
    return [f"{action} {chance:.0%}" for action, chance in best if action == step.action or chance >= UNLIKELY]


def _measured(evaluation: Evaluation, start: Evaluation) -> tuple[str, str]:
    """A value and its ratio to the untuned one; or why it doesn't count."""
    if not evaluation.verified:
        return MISSING, evaluation.error
    return number(evaluation.value), times(evaluation.speedup_over(start))


def as_json(
    place: Path, policy: Policy, problem: Problem[Any], played: Replay, verified: Verification
) -> dict[str, Any]:
    """The same as JSON values: `probabilities` of all legal actions; `value` (expected before the step) and `came`
    (what it should have been) in units of `scale`; null for what is not a number."""
    steps = [
        {
            "action": step.action,
            "probabilities": step.probabilities,
            "value": _finite(step.value),
            "came": _finite(came),
            "measured": None if step.evaluation is None else _evaluation(step.evaluation),
        }
        for step, came in zip(played.steps, played.still_to_gain(), strict=True)
    ]
    return {
        "benchmark": played.benchmark.name,
        "problem": problem.name,
        "policy": str(place),
        "policy_sha256": policy.digest,
        "unit": played.start.unit,
        "higher_is_better": played.start.higher_is_better,
        "scale": played.start.scale,
        "start": _evaluation(played.start),
        "steps": steps,
        "ended": played.ended,
        "answer": {
            "actions": [problem.actions[action] for action in played.best.actions],
            "solution": problem.describe(played.best.state),
            "verified": verified.answer.verified,
            "measured": _evaluation(verified.answer),
            "others": {name: _evaluation(other) for name, other in verified.others.items()},
            "speedup_over": {name: _finite(ratio) for name, ratio in verified.speedups().items()},
        },
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    return {"value": _finite(evaluation.value), "error": evaluation.error, "how": evaluation.how}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
