"""A policy that a bench trains."""

from __future__ import annotations

import subprocess
import sys
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
