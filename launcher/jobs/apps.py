"""The applications that can be launched: how their arguments are understood, and how they are run in a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from launcher.jobs.driver_app import KernelDriver
from launcher.jobs.training_app import Training


class App(Protocol):
    """An application. Its arguments are those that `tunewright launch` doesn't know itself."""

    @property
    def distributed(self) -> bool:
        """Whether it runs in a Ray cluster of all nodes of the job; else it runs on one node."""

    def check(self, arguments: Sequence[str]) -> str:
        """Raise UserError where they are wrong. Returns a label for what is going to run."""

    def copies(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        """The arguments of runs that differ in their seed."""

    def sweep(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        """The arguments of runs with settings drawn from the search space."""

    def run(self, arguments: Sequence[str], run: Path, cpus: int) -> None:
        """Run it in this process, with so many processors for workers. Repeating that goes on where it ended."""


APPS: Mapping[str, App] = {"rllib_agent.py": Training(), "driver.py": KernelDriver()}
