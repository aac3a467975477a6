"""Measure every gene of a kernel, so that tuners can be compared on it without a compiler. May be interrupted.

python launcher/record_landscape.py --benchmark datasets/kernel_landscapes/dense_128x128x128.json --out dense.jsonl
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from launcher.cli import carry_out
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.landscape import Landscape
from rllib_envs.kernel_tuning.recording import record_landscape
from rllib_envs.suite import read_benchmark

REPORT_S = 10.0


@dataclass(frozen=True)
class RecordLandscapeConfig:
    """Which kernel, and where to."""

    benchmark: Path
    """Benchmark file of a kernel, which should name a few "factors" so that its space is small."""
    out: Path
    """Landscape to write; one that is begun is gone on with."""
    rounds: int = 2
    """How often each gene is measured; the fastest counts."""
    workers: int | None = None
    """Processes that measure; one for each physical core when not given."""
    debug: bool = False
    """Show the traceback of an error."""


class Progress:
    """A line on how far it is, from time to time."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._before: int | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._before is None:
            self._before, self._began = done, now
        if now - self._said < REPORT_S and done < total:
            return
        self._said = now
        rate = (done - self._before) / max(now - self._began, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate else ""
        print(f"{done} of {total} measurements, {rate:.1f} a second{left}", flush=True)


def run_record_landscape(config: RecordLandscapeConfig) -> None:
    if config.rounds < 1:
        raise UserError(f"--rounds is {config.rounds}; it must be at least 1")
    benchmark = read_benchmark(config.benchmark)
    with MeasuringCrew(config.workers) as crew:
        record_landscape(benchmark, config.out, crew, config.rounds, Progress())
    landscape = Landscape.load(config.out)
    failed = sum(status != "ok" for status in landscape.status)
    print(
        f"{config.out}: {landscape.space.size} genes, {failed} of them no working kernel, the best "
        f"{landscape.best_gflops:.1f} GFLOPS of a peak of {landscape.head.peak_gflops:.1f}"
    )


def main(arguments: list[str] | None = None) -> None:
    config = tyro.cli(RecordLandscapeConfig, prog="record_landscape.py", description=__doc__, args=arguments)
    carry_out(run_record_landscape, config)


if __name__ == "__main__":
    main()
