"""A policy that a bench trains."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from models.policy import Policy


def trained(dataset: str | Path, minutes: float, run: Path, options: Iterable[str] = ()) -> Policy:
    """By `tunewright train` in the directory `run`, with two runner processes and no comparison behind it.

    Prints the first and the last iteration.
    """
    command = [sys.executable, "-m", "launcher.cli", "train", "--dataset", str(dataset), "--minutes", str(minutes)]
    command += ["--env-runners", "2", "--eval-size", "0", "--wandb", "off", "--run", str(run), *options]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in printed.splitlines() if line.startswith("iteration")]
    print(f"{lines[0]}\n{lines[-1]}", flush=True)
    return Policy.load(run)


def add_training_options(parser: argparse.ArgumentParser, minutes: float) -> None:
    """Those of `given_or_trained`."""
    parser.add_argument("--minutes", type=float, default=minutes, help="of training")
    parser.add_argument("--run", type=Path, help="a trained run, instead of training")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="of tunewright train")


def given_or_trained(arguments: argparse.Namespace, dataset: str, options: Iterable[str] = ()) -> Policy:
    """That of `--run`; else one that is trained on a data set."""
    if arguments.run:
        return Policy.load(arguments.run)
    with tempfile.TemporaryDirectory() as folder:
        return trained(dataset, arguments.minutes, Path(folder) / "run", [*options, *arguments.options])
