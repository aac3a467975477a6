"""Kernels to compare tuners on, by name: recorded landscapes, and synthetic ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eval.kernel_tuners.trials import Kernel
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.landscape import LANDSCAPES, Landscape
from rllib_envs.kernel_tuning.synthetic import TASKS
from rllib_envs.names import choose


@dataclass(frozen=True)
class RecordedKernel:
    """A recorded landscape, read where it is used."""

    name: str

    @cached_property
    def landscape(self) -> Landscape:
        return Landscape.load(self.name)

    @property
    def space(self) -> GeneSpace:
        return self.landscape.space

    def scores(self, genes: Sequence[Gene]) -> list[float]:
        """GFLOPS, as recorded."""
        return [self.landscape.gflops_of(gene) for gene in genes]


def recorded() -> list[str]:
    """The names of the landscapes that are shipped."""
    return sorted(path.stem for path in LANDSCAPES.glob("*.jsonl"))


def kernels_of(names: Sequence[str]) -> list[Kernel]:
    """By name; "synthetic" and "recorded" stand for all of them. UserError for a name that there isn't."""
    synthetic = {task.name: task for task in TASKS}
    groups = {"synthetic": list(synthetic), "recorded": recorded()}
    chosen = dict.fromkeys(each for name in names for each in groups.get(name, [name]))
    known = [*synthetic, *recorded()]
    return [synthetic.get(choose(name, [*known, *groups], "kernel")) or RecordedKernel(name) for name in chosen]
