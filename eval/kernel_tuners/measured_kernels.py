"""Kernels that are built and timed with TVM, for tuners to be compared on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from eval.kernel_tuners.trials import Kernel
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.landscape import Row, index_of
from rllib_envs.kernel_tuning.recording import Recording
from rllib_envs.problem import Benchmark


class MeasuredKernel:
    """One kernel. What was measured once is remembered, so that all tuners are told the same of the same gene."""

    def __init__(self, name: str, recording: Recording) -> None:
        self.name, self._recording = name, recording
        self._speeds = {row.place: self._speed(row) for row in recording.before}

    @property
    def space(self) -> GeneSpace:
        return self._recording.head.space

    def scores(self, genes: Sequence[Gene]) -> list[float]:
        """GFLOPS, or 0 where one failed. Those that are new are measured at the same time, on all cores."""
        places = [index_of(self.space, gene) for gene in genes]
        new = [place for place in dict.fromkeys(places) if place not in self._speeds]
        self._speeds.update((row.place, self._speed(row)) for row in self._recording.measure(new))
        return [self._speeds[place] for place in places]

    def _speed(self, row: Row) -> float:
        return self._recording.head.flops / row.seconds / 1e9 if row.seconds else 0.0


@contextmanager
def measured_kernels(benchmarks: Sequence[Benchmark], folder: Path) -> Iterator[list[Kernel]]:
    """What is measured is kept in the folder, a landscape's file each, and not measured again: tuners that were
    interrupted, which begin anew, come to where they were in seconds.

    UserError for files that were begun with other kernels or on another machine.
    """
    with MeasuringCrew() as crew, ExitStack() as files:
        yield [
            MeasuredKernel(each.name, files.enter_context(Recording(each, folder / f"{each.name}.jsonl", crew)))
            for each in benchmarks
        ]
