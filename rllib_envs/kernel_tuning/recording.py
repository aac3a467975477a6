"""Measure genes of a kernel and write them to a landscape's file, which may be interrupted and gone on with."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.landscape import Head, Row, gene_at, read_rows
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.protocol import OK
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.kernel_tuning.timing_protocol import HOW
from rllib_envs.problem import Benchmark

MAX_GENES = 100_000
"""At ten genes a second that is three hours a round."""
GENES_AT_ONCE = 16
ORDER_SEED = 0
Report = Callable[[int, int], None]
"""Is told how many measurements are done, and of how many: at the start, and now and then."""


class Recording:
    """One kernel's file, whether all of its genes are measured in the end or a few. For one process at a time."""

    def __init__(self, benchmark: Benchmark, path: Path, crew: MeasuringCrew) -> None:
        """UserError for a file that was begun with another kernel or on another machine."""
        self._task, self._crew = KernelTask.from_benchmark(benchmark), crew
        self.head = _head(benchmark, self._task, crew)
        self.before = _measured_before(path, self.head)
        """What the file held."""
        self._file = path.open("a")

    def measure(self, places: Sequence[int]) -> list[Row]:
        """Measure the genes in these places at once, and write them."""
        results = self._crew.measure(self._task, [gene_at(self.head.space, place) for place in places])
        rows = [
            Row(place, result.seconds if result.status == OK else None, round(result.spread, 4), result.status)
            for place, result in zip(places, results, strict=True)
        ]
        self._file.write("".join(row.to_line() + "\n" for row in rows))
        self._file.flush()
        return rows

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def record_landscape(benchmark: Benchmark, path: Path, crew: MeasuringCrew, rounds: int, report: Report) -> None:
    """Measure each gene so many times, in rounds, of which the fastest counts: what disturbs one round is over in the
    next. In random order, so that a part of a file is a sample.

    UserError for a space that is too large, and for a file that was begun with another kernel or on another machine.
    """
    size = crew.open(KernelTask.from_benchmark(benchmark)).space.size
    if size > MAX_GENES:
        raise UserError(
            f"benchmark {benchmark.name!r} has {size:,} genes, and a landscape at most {MAX_GENES:,}; "
            'choose a few "factors" in its spec'
        )
    with Recording(benchmark, path, crew) as recording:
        measured = Counter(row.place for row in recording.before)
        order = np.random.default_rng(ORDER_SEED).permutation(size)
        left = [int(place) for number in range(rounds) for place in order if measured[int(place)] <= number]
        total = rounds * size
        report(total - len(left), total)
        for start in range(0, len(left), GENES_AT_ONCE):
            rows = recording.measure(left[start : start + GENES_AT_ONCE])
            report(total - len(left) + start + len(rows), total)


def _head(benchmark: Benchmark, task: KernelTask, crew: MeasuringCrew) -> Head:
    ready = crew.ready()
    return Head(
        benchmark=benchmark.name,
        spec=benchmark.spec,
        space=crew.open(task).space,
        flops=task.flops,
        peak_gflops=round(ready.peak_gflops, 2),
        measured_on=measured_on(),
        target=ready.target,
        how=f"one thread, {HOW}, output verified",
        began=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _measured_before(path: Path, head: Head) -> list[Row]:
    """Begins the file where there is none, and cuts off half a line."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(head.to_line() + "\n")
        return []
    before, rows = read_rows(path)
    for name in ("spec", "space", "measured_on"):
        if getattr(before, name) != getattr(head, name):
            raise UserError(f"{path} was begun with another {name.replace('_', ' ')}; record into another file")
    written = path.read_bytes()
    if not written.endswith(b"\n"):
        os.truncate(path, written.rfind(b"\n") + 1)
    return rows
