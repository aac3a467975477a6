"""What a user asks of the experiments, in the object "experiments" of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from eval.kernel_tuners.experiments import EXPERIMENTS
from eval.kernel_tuners.sections import read_content, section, what_is
from eval.kernel_tuners.trials import Trials
from rllib_envs.errors import UserError
from rllib_envs.names import choose


@dataclass(frozen=True)
class ExperimentConfig:
    """The fields of the JSON object; each may be left out but `names`."""

    names: tuple[str, ...] = ()
    """Experiments to run: see `EXPERIMENTS`."""
    save_path: str = "results"
    """The folder for results and figures; it is made."""
    kernels: tuple[str, ...] = ("synthetic",)
    """Names of landscapes; "synthetic" and "recorded" stand for all of them."""
    seeds: int = 10
    """Runs of each tuner on each kernel."""
    trials: int = 256
    batch: int = 8
    noise: float = 0.03
    """See `Trials`."""
    workers: int = 1
    """Processes."""

    @property
    def how(self) -> Trials:
        return Trials(self.trials, self.batch, self.noise)

    def within(self, folder: Path) -> ExperimentConfig:
        """The same with what is saved under `folder`, unless its path is absolute."""
        return replace(self, save_path=str(folder / self.save_path))


def read_config(text: str) -> ExperimentConfig:
    """From a file's name or JSON. UserError names the field that is wrong."""
    config = section(read_content(text), "experiments", ExperimentConfig, what_is(text))
    if not config.names:
        raise UserError(f'field "names" of experiments is missing; give some of {", ".join(EXPERIMENTS)}')
    for name in config.names:
        choose(name, EXPERIMENTS, "experiment")
    return config
