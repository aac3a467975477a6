"""MetaSchedule's evolutionary search, asked for schedules and told their times. For processes with TVM alone.

Shao et al., "Tensor Program Optimization with Probabilistic Programs", NeurIPS 2022: a population is bred by mutating
sampling decisions, its speeds are predicted by a model of gradient-boosted trees, and the best are measured. Batches
are smaller than its own, so that a short search has several, and the model is used as soon as it has seen one of them,
not only after a hundred trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm.s_tir import meta_schedule as ms
from tvm.s_tir.meta_schedule.cost_model import XGBModel
from tvm.s_tir.meta_schedule.search_strategy import EvolutionarySearch

BATCH = 16
"""Schedules between two looks at what was measured."""
MOST_TRIALS = 1 << 20
"""No budget is that large: whoever asks decides when it ends."""


def cost_model() -> Any:
    """For one module, or for several that it shall learn from together, as in `tune_relax`."""
    return XGBModel(num_warmup_samples=BATCH, num_tuning_cores=1)


class Evolution:
    """The search for one module. What it works with is TVM's own: candidates have a schedule, `sch`."""

    def __init__(
        self,
        module: Any,
        target: Any,
        model: Any,
        seed: int,
        *,
        database: Any = None,
        strategy: Any = None,
        trials: int = MOST_TRIALS,
    ) -> None:
        """
        Args:
            seed: above 0.
            database: where what was measured is kept, and what was measured earlier; in memory when not given.
            strategy: an `EvolutionarySearch` with settings of its own.
            trials: the most that will be measured.
        """
        self.context = ms.TuneContext(
            module,
            target=target,
            space_generator="post-order-apply",
            search_strategy=strategy or EvolutionarySearch(),
            rand_state=seed,
            num_threads=1,
        )
        self._target, self._model, self._trials = target, model, trials
        self._database = ms.database.MemoryDatabase() if database is None else database
        self._workload = self._database.commit_workload(self.context.mod)
        self.tensors = ms.arg_info.ArgInfo.from_entry_func(self.context.mod, remove_preproc=True)
        self._begun = False

    def candidates(self) -> list[Any]:
        """What to measure next. None where the search gives up, as it does when it finds too few that are new."""
        if not self._begun:
            designs = self.context.generate_design_space()
            self.context.pre_tuning(self._trials, BATCH, designs, self._database, self._model)
            self._begun = True
        return list(self.context.generate_measure_candidates() or [])

    def record(self, candidate: Any, seconds: float) -> None:
        """Keep how long a schedule takes; the next generation is bred of the best."""
        trace = candidate.sch.trace
        record = ms.database.TuningRecord(trace, self._workload, [seconds], self._target, self.tensors)
        self._database.commit_tuning_record(record)

    def end_batch(self, candidates: Sequence[Any], seconds: Sequence[float | None]) -> None:
        """What came of the last candidates, None where they failed; only then can more be asked for."""
        self.context.notify_runner_results(candidates, [_result(each) for each in seconds])

    def learn(self, candidates: Sequence[Any], seconds: Sequence[float | None]) -> None:
        """Show the model what was measured, now or earlier."""
        self._model.update(self.context, candidates, [_result(each) for each in seconds])

    def end(self) -> None:
        """Nothing more will be asked for."""
        self.context.post_tuning()


def _result(seconds: float | None) -> Any:
    return ms.runner.RunnerResult(None, "failed") if seconds is None else ms.runner.RunnerResult([seconds], None)
