"""`eval/driver.py -m learn`: GA-DQN's knowledge of kernels that are measured for nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from eval.kernel_tuners.measured_kernels import measured_kernels
from eval.kernel_tuners.methods import Lesson, train_on
from eval.kernel_tuners.sections import LEAST, read_content, section, what_is
from models.ga_dqn.knowledge import write_knowledge
from models.ga_dqn.settings import GADQNSettings
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.task import PROBLEM
from rllib_envs.suite import Suite

MEASURED, KNOWLEDGE = "measured", "knowledge"
"""Folders in `save_path`."""


@dataclass(frozen=True)
class LearningConfig:
    """The fields of the JSON object "learning"."""

    dataset: str = "kernel_tuning_random"
    """A suite of kernels, by name or path."""
    trials: int = 256
    """On each kernel."""
    passes: int = 1
    """How often each kernel is tuned, each time with another seed."""
    batch: int = 8
    seed: int = field(default=0, metadata={LEAST: 0})
    save_path: str = "results/knowledge"
    """The folder in which what was measured is kept, so that learning goes on, and `knowledge` for `transfer_from`."""

    def within(self, folder: Path) -> LearningConfig:
        """The same with what is saved under `folder`, unless its path is absolute."""
        return replace(self, save_path=str(folder / self.save_path))


def read_learning_config(text: str) -> LearningConfig:
    """From a file's name or JSON. UserError names the field that is wrong."""
    return section(read_content(text), "learning", LearningConfig, what_is(text))


def run_learning(config: LearningConfig, console: Console) -> None:
    """Tune each kernel with what was learnt on those before it, and write what was learnt of all.

    What was measured is not measured again, so a run that was interrupted comes to where it was in no time. UserError
    for a data set of another problem.
    """
    suite, folder = Suite.load(config.dataset), Path(config.save_path)
    if suite.problem != PROBLEM:
        raise UserError(f"data set {suite.name} is of problem {suite.problem!r}; GA-DQN learns from {PROBLEM}")
    settings = GADQNSettings()
    lesson = Lesson(config.trials, config.passes, config.batch, config.seed, noise=0.0)
    total = config.passes * len(suite.benchmarks)
    with measured_kernels(suite.benchmarks, folder / MEASURED) as kernels, console.status("") as status:
        knowledge = train_on(
            kernels, settings, lesson, lambda done, name: status.update(f"{done} of {total} kernels learnt; {name}")
        )
    origin = {"dataset": suite.name, "hash": suite.hash, "measured_on": measured_on(), **lesson._asdict()}
    write_knowledge(folder / KNOWLEDGE, knowledge, settings, origin)
    console.out(f"what was learnt of {len(suite.benchmarks)} kernels is in {folder / KNOWLEDGE}", highlight=False)
