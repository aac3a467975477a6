"""The kernels of the suite `kernel_tuning`, built and measured with TVM, for tuners to be compared on."""

from __future__ import annotations

from collections.abc import Sequence

from rllib_envs.kernel_tuning import measure, task
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.suite import Suite


class MeasuredKernel:
    """One kernel. What was measured once is remembered, so that all tuners are told the same of the same gene."""

    def __init__(self, name: str, what: task.KernelTask, measurer: measure.KernelMeasurer) -> None:
        self.name, self._task, self._measurer = name, what, measurer
        self._speeds: dict[Gene, float] = {}

    @property
    def space(self) -> GeneSpace:
        return self._measurer.open(self._task).space

    def score(self, gene: Gene) -> float:
        """GFLOPS, or 0 where it failed."""
        if gene not in self._speeds:
            seconds = self._measurer.measure(self._task, gene).seconds
            self._speeds[gene] = self._task.flops / seconds / 1e9 if seconds else 0.0
        return self._speeds[gene]


def measured_kernels(measurer: measure.KernelMeasurer, names: Sequence[str] = ()) -> list[MeasuredKernel]:
    """Those of the suite with these names; all, where none is given."""
    benchmarks = [each for each in Suite.load(task.PROBLEM).benchmarks if not names or each.name in names]
    return [MeasuredKernel(each.name, task.KernelTask.from_benchmark(each), measurer) for each in benchmarks]
