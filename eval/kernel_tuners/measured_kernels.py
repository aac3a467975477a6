"""Kernels that are built and timed with TVM, for tuners to be compared on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.landscape import Row, index_of
from rllib_envs.kernel_tuning.recording import Recording
from rllib_envs.problem import Benchmark

ROUNDS = 3


class MeasuredKernel:
    """One kernel. What was measured once is remembered, so that all tuners are told the same of the same gene."""

    def __init__(self, name: str, recording: Recording) -> None:
        self.name, self._recording = name, recording
        self._speeds: dict[int, float] = {}
        self._fastest: dict[int, float] = {}
        self._note(recording.before)

    @property
    def space(self) -> GeneSpace:
        return self._recording.head.space

    def scores(self, genes: Sequence[Gene]) -> list[float]:
        """GFLOPS, or 0 where one failed. Those that are new are measured at the same time, on all cores."""
        places = [index_of(self.space, gene) for gene in genes]
        self._note(self._recording.measure([place for place in dict.fromkeys(places) if place not in self._speeds]))
        return [self._speeds[place] for place in places]

    def measured_anew(self, genes: Iterable[Gene]) -> dict[Gene, float]:
        """GFLOPS of each: the fastest of all measurements, after some more in turns, so that what slows the machine
        for a while slows all alike. Tuners are told what they were told before."""
        places = {gene: index_of(self.space, gene) for gene in genes}
        for _ in range(ROUNDS):
            self._note(self._recording.measure(list(places.values())))
        return {gene: self._fastest[place] for gene, place in places.items()}

    def _note(self, rows: Iterable[Row]) -> None:
        for row in rows:
            speed = self._speed(row)
            self._speeds.setdefault(row.place, speed)
            self._fastest[row.place] = max(speed, self._fastest.get(row.place, 0.0))

    def _speed(self, row: Row) -> float:
        return self._recording.head.flops / row.seconds / 1e9 if row.seconds else 0.0


@contextmanager
def measured_kernels(benchmarks: Sequence[Benchmark], folder: Path) -> Iterator[list[MeasuredKernel]]:
    """What is measured is kept in the folder, a landscape's file each, and not measured again: tuners that were
    interrupted, which begin anew, come to where they were in seconds.

    UserError for files that were begun with other kernels or on another machine.
    """
    with MeasuringCrew() as crew, ExitStack() as files:
        yield [
            MeasuredKernel(each.name, files.enter_context(Recording(each, folder / f"{each.name}.jsonl", crew)))
            for each in benchmarks
        ]
