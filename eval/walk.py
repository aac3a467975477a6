"""The way from the untuned state to an answer, step by step."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Any

from rllib_envs.problem import Benchmark, Evaluation, Problem


def walk(
    problem: Problem[Any], benchmark: Benchmark, actions: Iterable[int], known: dict[Hashable, Evaluation]
) -> tuple[float, ...]:
    """The value of the untuned state and after each action; nan where a state on the way does not count.

    What is not yet `known`, by objective key, is evaluated once and is known then.
    """
    state = problem.initial(benchmark)
    states = [state]
    for action in actions:
        state = problem.apply(state, action)
        states.append(state)
    values = []
    for state in states:
        key = problem.objective_key(state)
        if key not in known:
            known[key] = problem.evaluate(state)
        values.append(known[key].value if known[key].verified else math.nan)
    return tuple(values)
