"""Toys whose workers crash, hang, raise, or tell where they run. Made by name in processes that tests start."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

from rllib_envs.errors import MissingPackage
from rllib_envs.problem import Evaluation
from rllib_envs.toy import Dials, Toy

TRAP = (2, 3)
"""The targets of a benchmark of which the best state is not to be evaluated."""


class Fragile(Toy):
    """Misbehaves as often as asked, then no more. How often it did is counted by files, for processes don't last."""

    def __init__(self, how: str, folder: Path, times: int, spared: int = 0) -> None:
        """`spared` is how often each process may evaluate the trap before."""
        super().__init__()
        self.how, self.folder, self.times, self.spared = how, folder, times, spared

    def evaluate(self, state: Dials) -> Evaluation:
        if state.positions == state.targets == TRAP:
            self.spared -= 1
            done = len(list(self.folder.iterdir()))
            if self.spared < 0 and done < self.times:
                (self.folder / str(done)).touch()
                self.misbehave()
        return super().evaluate(state)

    def misbehave(self) -> None:
        match self.how:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "exits":
                os._exit(3)
            case "raises":
                raise ZeroDivisionError("a fault")
            case "lacks a package":
                raise MissingPackage("install what is missing")


class Located(Toy):
    """Says with each value on which processors its process may run, as a number in binary."""

    def evaluate(self, state: Dials) -> Evaluation:
        where = float(sum(1 << cpu for cpu in os.sched_getaffinity(0)))
        return replace(super().evaluate(state), details={"where": where, "process": float(os.getpid())})


class Unmakeable(Toy):
    """Its process ends when it is made."""

    def __init__(self) -> None:
        os._exit(7)
