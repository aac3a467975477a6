"""MetaSchedule's evolutionary search, asked for schedules and told their times. For processes with TVM alone.

Shao et al., "Tensor Program Optimization with Probabilistic Programs", NeurIPS 2022: a population is bred by mutating
sampling decisions, its speeds are predicted by a model of gradient-boosted trees, and the best are measured. All
settings are its own, except that a batch is smaller, so that a short search has several, and that the model is used as
soon as it has seen one batch, not only after a hundred trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm.s_tir import meta_schedule as ms
from tvm.s_tir.meta_schedule.cost_model import XGBModel
from tvm.s_tir.meta_schedule.search_strategy import EvolutionarySearch, MeasureCandidate

from eval.kernel_tuners.tvm_search.protocol import Told
from rllib_envs.kernel_tuning.template import InvalidGene
from rllib_envs.kernel_tuning.trace_text import trace_text, traced

BATCH = 16
"""Schedules between two looks at what was measured."""
MOST_TRIALS = 1 << 20
"""No budget is that large: whoever asks decides when it ends."""


def shared_model() -> Any:
    """The cost model of all kernels, as in `tune_relax`."""
    return XGBModel(num_warmup_samples=BATCH, num_tuning_cores=1)


class Search:
    """Of one module."""

    def __init__(self, module: Any, target: Any, model: Any, seed: int) -> None:
        self._model = model
        self._target = target
        self._context = ms.TuneContext(
            module,
            target=target,
            space_generator="post-order-apply",
            search_strategy=EvolutionarySearch(),
            rand_state=seed + 1,  # TVM wants one above 0
            num_threads=1,
        )
        self._database = ms.database.MemoryDatabase()
        self._workload = self._database.commit_workload(module)
        self._tensors = ms.arg_info.ArgInfo.from_entry_func(module, remove_preproc=True)
        self._asked: dict[str, Any] = {}
        self._begun = False

    def ask(self, count: int) -> list[str]:
        """Traces. None where the search gives up, as it does when it finds fewer than 50 schedules that are new."""
        if not self._begun:
            designs = self._context.generate_design_space()
            self._context.pre_tuning(MOST_TRIALS, BATCH, designs, self._database, self._model)
            self._begun = True
        candidates = self._context.generate_measure_candidates() or []
        self._asked = {trace_text(one.sch.trace): one for one in candidates[:count]}
        return list(self._asked)

    def tell(self, told: Sequence[Told]) -> None:
        """Also of schedules that were measured in an earlier run."""
        candidates, results = [], []
        for text, seconds in told:
            candidate = self._asked.get(text) or self._known(text)
            if candidate is None:
                continue
            candidates.append(candidate)
            results.append(ms.runner.RunnerResult([seconds] if seconds else None, None if seconds else "failed"))
            if seconds:
                trace = candidate.sch.trace
                record = ms.database.TuningRecord(trace, self._workload, [seconds], self._target, self._tensors)
                self._database.commit_tuning_record(record)
        if self._asked:
            self._context.notify_runner_results(candidates, results)
        if candidates:
            self._model.update(self._context, candidates, results)
        self._asked = {}

    def _known(self, text: str) -> Any:
        try:
            return MeasureCandidate(traced(self._context.mod, text), self._tensors)
        except InvalidGene:  # of another version of TVM
            return None
