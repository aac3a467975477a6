"""`tunewright doctor`: what this machine can do, what is installed, and where things are looked for."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.table import Table
from rich.text import Text

from launcher.folders import runs_folder
from launcher.system_checks import system_checks
from launcher.tables import print_table
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.loop_nest.backend import Loop, Measurer
from rllib_envs.loop_nest.backend.backends import AUTO, BACKENDS, usable_backends
from rllib_envs.loop_nest.backend.fma_peak import PEAK_VARIABLE
from rllib_envs.loop_nest.backend.processor import AVX2, AVX512, TIME_STAMPS, processor_flags
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.measured_on import processor_name
from rllib_envs.shipped_data import DATASETS

PACKAGES = ("tunewright", "numpy", "gymnasium", "torch", "llvmlite", "loop_tool", "networkx", "safetensors")
OPTIONAL_PACKAGES = {
    "ray": "train",
    "submitit": "train",
    "tensorboard": "train",
    "wandb": "train",
    "wandb-workspaces": "train",
    "matplotlib": "eval",
    "onnx": "export",
    "onnxruntime": "export",
    "ortools": "solvers",
}
"""With the extra that installs them."""
VARIABLES = (PEAK_VARIABLE, "RLLIB_NUM_GPUS", "LOOP_TOOL_ROOT")
PRODUCT = make_statement("mm", {"m": 128, "n": 128, "k": 128})
TILED = (Loop("m", 6), Loop("n", 16), Loop("k", 4), Loop("k", 1), Loop("m", 1), Loop("n", 1))
"""A good schedule for it with any vectors: it keeps a tile of C in twelve registers or fewer."""
REPEATS = 10

Row = tuple[str, str]


class LoopNestsUnusable(TunewrightError):
    """Loop nests can't be compiled or measured here."""

    exit_code = 3


@dataclass(frozen=True)
class DoctorConfig:
    """Show what this machine can do and what it lacks: processor, backend, peak, timer, packages, folders, cluster."""

    backend: str = AUTO
    """What compiles loop nests: avx512, avx2 or llvm; auto takes the first that works here."""
    debug: bool = False
    """Show the traceback of an error."""


def run_doctor(config: DoctorConfig) -> None:
    """Print the table. Raises LoopNestsUnusable after it when loop nests can't run."""
    table = Table(show_header=False)
    for name, value in (*machine(), *packages(), *places(), *system_checks(runs_folder().absolute())):
        table.add_row(name, Text(value))
    table.add_section()
    failure: TunewrightError | None = None
    try:
        for name, value in loop_nests(config.backend):
            table.add_row(name, Text(value))
    except UserError:
        raise
    except TunewrightError as error:
        failure = error
        table.add_row("loop nests", Text("can't run; the reason follows", style="red"))
    print_table(table)
    if failure is not None:
        raise LoopNestsUnusable(f"loop nests can't run here: {failure}") from failure


def machine() -> Iterator[Row]:
    yield "Python", f"{platform.python_version()} in {sys.prefix}"
    yield "processor", processor_name()
    known = sorted((AVX512 | AVX2 | TIME_STAMPS) & processor_flags())
    yield "instruction sets", ", ".join(known) or "none of those that we write machine code for"
    compiler = shutil.which("cc")
    yield "C compiler", compiler or "missing (optional): for linking exported kernels; install gcc or clang"


def packages() -> Iterator[Row]:
    """Versions of what is needed and of what is optional."""
    for name in PACKAGES:
        yield name, _version(name) or "missing"
    for name, extra in OPTIONAL_PACKAGES.items():
        yield name, _version(name) or f"missing (optional): pip install 'tunewright[{extra}]'"


def places() -> Iterator[Row]:
    """Where runs and data sets are looked for, and the environment variables that we read."""
    yield "runs in", str(runs_folder().resolve())
    root = os.environ.get("LOOP_TOOL_ROOT")
    shelves = [*([Path(root) / "datasets"] if root else []), DATASETS]
    yield "data sets in", ", ".join(str(shelf) for shelf in shelves if shelf.is_dir()) or "none found"
    for name in VARIABLES:
        yield name, os.environ.get(name) or "not set"


def loop_nests(backend: str) -> Iterator[Row]:
    """What compiles loop nests, and how well it and the timer do; takes about a second."""
    with Measurer(backend=backend) as measurer:
        ready, peak = measurer.ready(), measurer.peak()
        preference = ", ".join(BACKENDS[1:])
        why = f"the first of {preference} that works here" if backend == AUTO else "asked for"
        yield "backend", f"{ready.backend} ({why}; to choose from: {', '.join(usable_backends())})"
        origin = f"as {PEAK_VARIABLE} has it" if measurer.peak_gflops else "measured"
        yield "peak of one core", f"{peak.gflops:.1f} GFLOPS, {origin}; {peak.flop_per_cycle:.1f} flop/cycle, measured"
        measured = [measurer.measure(PRODUCT, TILED) for _ in range(REPEATS)]
        wrong = [measurement.error for measurement in measured if measurement.error]
        if wrong:
            raise LoopNestsUnusable(f"{len(wrong)} of {REPEATS} measurements of a matrix product failed: {wrong[0]}")
        shares = [measurement.fraction_of_peak for measurement in measured]
        deviation = statistics.stdev(shares) / statistics.fmean(shares)
        clean = min(measurement.samples for measurement in measured)
        yield "timer", f"{ready.time_source}; repeats within {deviation:.2%} ({REPEATS} times, {clean}+ clean samples)"
        yield "128x128x128 product", f"{statistics.median(shares):.0%} of the peak with a plain tiling"
        numpy_share = statistics.median(measurer.measure_numpy(PRODUCT).fraction_of_peak for _ in range(REPEATS))
        yield "the same by numpy", f"{numpy_share:.0%} of the peak, one thread"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
