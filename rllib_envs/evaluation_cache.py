"""Remember what was evaluated, so that no state is measured twice by the same user of a problem."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic

from rllib_envs.problem import Evaluation, Problem, State
from rllib_envs.records import RecordStore

CACHE_SIZE = 200_000
"""Evaluations kept; at about 500 bytes each a full cache is 100 MB."""


class EvaluationCache(Generic[State]):
    """`problem.evaluate` with a memory. Each environment and each search owns one.

    It starts empty, and searches that are compared keep it so. With `records` it also knows what others have measured
    under the same conditions, and tells them what it measures.
    """

    def __init__(self, problem: Problem[State], size: int = CACHE_SIZE, records: RecordStore | None = None) -> None:
        self.problem = problem
        self.size = size
        self.misses = 0
        """States that were measured here."""
        self._records = records
        self._known: OrderedDict[Hashable, Evaluation] = OrderedDict()

    def __call__(self, state: State) -> Evaluation:
        key = self.problem.objective_key(state)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._look_up_or_measure(state)
            if len(self._known) > self.size:
                self._known.popitem(last=False)
        return known

    def _look_up_or_measure(self, state: State) -> Evaluation:
        key = self.problem.record_key(state) if self._records is not None else None
        if self._records is None or key is None:
            return self._measure(state)
        place = (self.problem.name, *key, self.problem.measured_on())
        found = self._records.find(*place)
        if found is not None:
            return self.problem.recall(found)
        measured = self._measure(state)
        self._records.add(*place, measured)
        return measured

    def _measure(self, state: State) -> Evaluation:
        self.misses += 1
        return self.problem.evaluate(state)
