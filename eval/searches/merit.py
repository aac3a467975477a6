"""One number for how good a state is, whichever way the objective points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from eval.trial import Node, Trial
from rllib_envs.problem import Evaluation


def merit(evaluation: Evaluation) -> float:
    """The value in units of its scale; higher is always better, and -inf is what does not count."""
    if not evaluation.verified:
        return -math.inf
    return (evaluation.value if evaluation.higher_is_better else -evaluation.value) / evaluation.scale


def best_of(trial: Trial, nodes: Iterable[Node], count: int) -> list[Node]:
    """Evaluate the nodes and return the best few of those that count, best first. Where the objective does not tell
    two apart, the earlier one is preferred."""
    judged = [(merit(trial.evaluate(node)), node) for node in nodes]
    counting = [each for each in judged if each[0] > -math.inf]
    return [node for _, node in sorted(counting, key=lambda each: -each[0])[:count]]


def merits_of(trial: Trial, way: Iterable[Node]) -> list[float]:
    """Evaluate the states on a way.

    It is measured when it is complete: to decide and measure in turns takes twice as long, for each finds the
    processor's caches full of the other's.
    """
    return [merit(trial.evaluate(node)) for node in way]


def best_merit(merits: Sequence[float]) -> float:
    """That of the best state on a way, whose first one is not counted unless it is the only one."""
    return max(merits[1:], default=merits[0])
