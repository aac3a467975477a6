"""Measure every gene of a kernel, so that tuners can be compared on it without a compiler. May be interrupted.

python launcher/record_landscape.py --benchmark datasets/kernel_landscapes/dense_128x128x128.json --out dense.jsonl
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from launcher.program import carry_out
from launcher.progress_line import ProgressLine
from launcher.usage import one_line_usage
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.landscape import Landscape
from rllib_envs.kernel_tuning.recording import record_landscape
from rllib_envs.suite import read_benchmark


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


def run_record_landscape(config: RecordLandscapeConfig) -> None:
    if config.rounds < 1:
        raise UserError(f"--rounds is {config.rounds}; it must be at least 1")
    benchmark = read_benchmark(config.benchmark)
    with MeasuringCrew(config.workers) as crew:
        record_landscape(benchmark, config.out, crew, config.rounds, ProgressLine("measurements"))
    landscape = Landscape.load(config.out)
    failed = sum(status != "ok" for status in landscape.status)
    print(
        f"{config.out}: {landscape.space.size} genes, {failed} of them no working kernel, the best "
        f"{landscape.best_gflops:.1f} GFLOPS of a peak of {landscape.head.peak_gflops:.1f}"
    )


def main(arguments: list[str] | None = None) -> None:
    with one_line_usage(RecordLandscapeConfig):
        config = tyro.cli(RecordLandscapeConfig, prog="record_landscape.py", description=__doc__, args=arguments)
    carry_out(run_record_landscape, config)


if __name__ == "__main__":
    main()
