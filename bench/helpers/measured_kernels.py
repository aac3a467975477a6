"""The kernels of the suite `kernel_tuning`, built and measured with TVM, for tuners to be compared on."""

from __future__ import annotations

from collections.abc import Sequence

from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.task import PROBLEM, KernelTask
from rllib_envs.suite import Suite


class MeasuredKernel:
    """One kernel. What was measured once is remembered, so that all tuners are told the same of the same gene."""

    def __init__(self, name: str, task: KernelTask, measurer: KernelMeasurer) -> None:
        self.name, self._task, self._measurer = name, task, measurer
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


def measured_kernels(measurer: KernelMeasurer, names: Sequence[str] = ()) -> list[MeasuredKernel]:
    """Those of the suite with these names; all, where none is given."""
    benchmarks = [each for each in Suite.load(PROBLEM).benchmarks if not names or each.name in names]
    return [MeasuredKernel(each.name, KernelTask.from_benchmark(each), measurer) for each in benchmarks]
