"""MetaSchedule's search of one kernel, in terms of texts. For processes with TVM alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm.s_tir.meta_schedule.search_strategy import MeasureCandidate

from eval.kernel_tuners.tvm_search.protocol import Told
from eval.metaschedule import Evolution
from rllib_envs.kernel_tuning.template import InvalidGene
from rllib_envs.kernel_tuning.trace_text import trace_text, traced


class Search:
    """Of one module. All settings are MetaSchedule's own, except for those of `eval.metaschedule`."""

    def __init__(self, module: Any, target: Any, model: Any, seed: int) -> None:
        self._evolution = Evolution(module, target, model, seed + 1)
        self._asked: dict[str, Any] = {}
        self._told: set[str] = set()

    def ask(self, count: int) -> list[str]:
        """Traces. None where the search gives up, as it does when it finds fewer than 50 schedules that are new.

        What is new to the search may have been measured in an earlier run; it isn't asked for again.
        """
        while candidates := self._evolution.candidates():
            traces = ((trace_text(one.sch.trace), one) for one in candidates)
            new = [(text, one) for text, one in traces if text not in self._told]
            if new:
                self._asked = dict(new[:count])
                return list(self._asked)
            self._evolution.end_batch([], [])
        return []

    def tell(self, told: Sequence[Told]) -> None:
        """Also of schedules that were measured in an earlier run."""
        candidates, times = [], []
        self._told.update(text for text, _ in told)
        for text, seconds in told:
            candidate = self._asked.get(text) or self._known(text)
            if candidate is None:
                continue
            candidates.append(candidate)
            times.append(seconds or None)
            if seconds:
                self._evolution.record(candidate, seconds)
        if self._asked:
            self._evolution.end_batch(candidates, times)
        if candidates:
            self._evolution.learn(candidates, times)
        self._asked = {}

    def _known(self, text: str) -> Any:
        try:
            return MeasureCandidate(traced(self._evolution.context.mod, text), self._evolution.tensors)
        except InvalidGene:  # of another version of TVM
            return None
