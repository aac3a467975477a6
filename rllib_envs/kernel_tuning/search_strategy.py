"""A tuner of genes as a search strategy of TVM's MetaSchedule, for `tune_tir` and `tune_relax`. For processes with TVM.

TVM builds and runs the candidates then, with the builder and runner that it is given, and keeps the records. Its
database is read first: what was measured before of the same module is told to the tuner, and not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tvm.ir.utils import derived_object
from tvm.s_tir.meta_schedule.arg_info import ArgInfo
from tvm.s_tir.meta_schedule.search_strategy import MeasureCandidate, PySearchStrategy

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.template import InvalidGene, Template, richest
from rllib_envs.kernel_tuning.tuners.tuner import FAILED, Tuner

MakeTuner = Callable[[GeneSpace, int, int], Tuner]
"""From the gene space, a seed, and how many trials there will be."""
MOST_RECORDS = 1 << 20
"""Of a module that are read from a database."""


@derived_object
class TunerStrategy(PySearchStrategy):  # type: ignore[misc]  # TVM has no types
    """Asks a tuner of its own for each module that is tuned. Scores are runs a second."""

    def __init__(self, make: MakeTuner, seed: int = 0) -> None:
        super().__init__()
        self._make = make
        self._seed = seed
        self._modules = 0
        self._context: Any = None
        self._tuner: Tuner | None = None
        self._fixed: list[Any] = []
        self._asked: dict[Gene, list[Gene]] = {}
        self._known: dict[Gene, float] = {}

    def _initialize_with_tune_context(self, context: Any) -> None:
        self._context = context

    def pre_tuning(
        self,
        max_trials: int,
        num_trials_per_iter: int,
        design_spaces: Sequence[Any],
        database: Any = None,
        cost_model: Any = None,
    ) -> None:
        """Tune the design space with the most genes. Where nothing is open in any, the first is measured as it is."""
        self._left, self._batch = max_trials, num_trials_per_iter
        self._arguments = ArgInfo.from_entry_func(self._context.mod, remove_preproc=True)
        found = [template for template in map(self._template, design_spaces) if template is not None]
        self._fixed = [] if found else list(design_spaces[:1])
        self._tuner = None
        if found:
            self._use(found[richest(found)], max_trials, database)

    def post_tuning(self) -> None:
        self._tuner, self._fixed = None, []

    def generate_measure_candidates(self) -> list[Any] | None:
        """The next batch; None at the end."""
        self._asked = {}
        if self._tuner is None:
            schedules, self._fixed = self._fixed, []
            return [MeasureCandidate(schedule, self._arguments) for schedule in schedules] or None
        candidates: list[Any] = []
        while self._left > 0 and len(candidates) < self._batch:
            genes = self._tuner.ask(min(self._batch - len(candidates), self._left))
            if not genes:
                break
            for gene in genes:
                self._offer(gene, candidates)
        return candidates or None

    def notify_runner_results(self, measure_candidates: Sequence[Any], results: Sequence[Any]) -> None:
        if self._tuner is None:
            return
        for (canonical, genes), result in zip(self._asked.items(), results, strict=True):
            self._known[canonical] = _score(result.run_secs)
            self._tuner.tell(genes, [self._known[canonical]] * len(genes))

    def clone(self) -> Any:
        self._modules += 1
        return TunerStrategy(self._make, self._seed + self._modules)

    def _template(self, design: Any) -> Template | None:
        try:
            return Template(self._context, design)
        except UserError:  # nothing is open in it
            return None

    def _use(self, template: Template, trials: int, database: Any) -> None:
        self._chosen, self._known = template, {}
        self._tuner = self._make(template.space, self._seed, trials)
        if database is None:
            return
        workload = database.commit_workload(self._context.mod)
        for record in database.get_top_k(workload, MOST_RECORDS):
            try:
                gene = template.encode(record.trace)
                template.space.check(gene)
            except (InvalidGene, UserError):  # of another design space
                continue
            self._known[gene] = _score(record.run_secs)
        self._tuner.tell(list(self._known), list(self._known.values()))

    def _offer(self, gene: Gene, candidates: list[Any]) -> None:
        """Add a gene to the batch, unless its schedule is known or in it already: several genes may stand for one.

        What gives no schedule failed, and counts as a trial like any other.
        """
        assert self._tuner is not None
        try:
            schedule = self._chosen.schedule(gene)
            canonical = self._chosen.encode(schedule.trace)
        except InvalidGene:
            self._left -= 1
            self._tuner.tell([gene], [FAILED])
            return
        if canonical in self._known:
            self._tuner.tell([gene], [self._known[canonical]])
        elif canonical in self._asked:
            self._asked[canonical].append(gene)
        else:
            self._left -= 1
            self._asked[canonical] = [gene]
            candidates.append(MeasureCandidate(schedule, self._arguments))


def _score(run_secs: Sequence[Any] | None) -> float:
    """Runs a second by the fastest run; FAILED where there was none."""
    fastest = min(map(float, run_secs or ()), default=0.0)
    return 1 / fastest if fastest > 0 else FAILED
