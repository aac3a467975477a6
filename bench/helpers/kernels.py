"""The kernels that a bench tunes, and the folder in which it keeps what it measures."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rllib_envs.kernel_tuning.task import PROBLEM
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.suite import Suite


def add_kernels_option(parser: argparse.ArgumentParser) -> None:
    """Which of the suite's, for `chosen_kernels`."""
    parser.add_argument("--kernels", nargs="*", default=(), help="some of the suite `kernel_tuning`, by name")


def chosen_kernels(arguments: argparse.Namespace) -> list[Benchmark]:
    """Those that were named, or all. UserError for a name that there isn't."""
    kernels = {each.name: each for each in Suite.load(PROBLEM).benchmarks}
    return [kernels[choose(name, kernels, "kernel")] for name in dict.fromkeys(arguments.kernels or kernels)]


def add_folder_option(parser: argparse.ArgumentParser) -> None:
    """For `kept_or_temporary`."""
    parser.add_argument("--folder", type=Path, help="where to keep measurements and results, or to go on")


@contextmanager
def kept_or_temporary(arguments: argparse.Namespace) -> Iterator[Path]:
    """The folder that was named, or one that is gone afterwards."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
