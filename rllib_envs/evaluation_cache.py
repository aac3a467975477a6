"""Remember what was evaluated, so that no state is measured twice by the same user of a problem."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic

from rllib_envs.problem import Evaluation, Problem, State

CACHE_SIZE = 200_000
"""Evaluations kept; at about 500 bytes each a full cache is 100 MB."""


class EvaluationCache(Generic[State]):
    """`problem.evaluate` with a memory. Each environment and each search owns one and starts with it empty."""

    def __init__(self, problem: Problem[State], size: int = CACHE_SIZE) -> None:
        self.problem = problem
        self.size = size
        self.misses = 0
        self._known: OrderedDict[Hashable, Evaluation] = OrderedDict()

    def __call__(self, state: State) -> Evaluation:
        key = self.problem.objective_key(state)
        known = self._known.get(key)
        if known is None:
            self.misses += 1
            known = self._known[key] = self.problem.evaluate(state)
            if len(self._known) > self.size:
                self._known.popitem(last=False)
        return known
