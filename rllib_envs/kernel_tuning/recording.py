"""Measure every gene of a kernel and write the landscape, which may be interrupted and gone on with."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

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


def record_landscape(benchmark: Benchmark, path: Path, crew: MeasuringCrew, rounds: int, report: Report) -> None:
    """Measure each gene so many times, in rounds, of which the fastest counts: what disturbs one round is over in the
    next. In random order, so that a part of a file is a sample.

    UserError for a space that is too large, and for a file that was begun with another kernel or on another machine.
    """
    task = KernelTask.from_benchmark(benchmark)
    space = crew.open(task).space
    if space.size > MAX_GENES:
        raise UserError(
            f"benchmark {benchmark.name!r} has {space.size:,} genes, and a landscape at most {MAX_GENES:,}; "
            'choose a few "factors" in its spec'
        )
    head = _head(benchmark, task, crew)
    measured = _measured_before(path, head)
    order = np.random.default_rng(ORDER_SEED).permutation(space.size)
    left = [int(place) for number in range(rounds) for place in order if measured[int(place)] <= number]
    total = rounds * space.size
    report(total - len(left), total)
    with path.open("a") as file:
        for start in range(0, len(left), GENES_AT_ONCE):
            places = left[start : start + GENES_AT_ONCE]
            results = crew.measure(task, [gene_at(space, place) for place in places])
            for place, result in zip(places, results, strict=True):
                seconds = result.seconds if result.status == OK else None
                _write(file, Row(place, seconds, round(result.spread, 4), result.status).to_line())
            report(total - len(left) + start + len(places), total)


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


def _measured_before(path: Path, head: Head) -> Counter[int]:
    """How often each gene was measured. Begins the file where there is none, and cuts off half a line."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            _write(file, head.to_line())
        return Counter()
    before, rows = read_rows(path)
    for name in ("spec", "space", "measured_on"):
        if getattr(before, name) != getattr(head, name):
            raise UserError(f"{path} was begun with another {name.replace('_', ' ')}; record into another file")
    written = path.read_bytes()
    if not written.endswith(b"\n"):
        os.truncate(path, written.rfind(b"\n") + 1)
    return Counter(row.place for row in rows)


def _write(file: TextIO, line: str) -> None:
    file.write(line + "\n")
    file.flush()
