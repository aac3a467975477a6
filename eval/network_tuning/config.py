"""What a user asks of tuning and benchmarking networks, in the objects of the configuration.

`models` and `target` say what; `autotuner_settings` how it is tuned, and `run_settings` how it is timed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eval.budget import Budget
from eval.kernel_tuners.searchers import POLICY, TUNERS
from eval.kernel_tuners.sections import LEAST, checked, read_content, section, what_is
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.measure import DEFAULT_LIMIT_S
from rllib_envs.kernel_tuning.networks.names import NETWORKS
from rllib_envs.kernel_tuning.task import NATIVE
from rllib_envs.names import choose

SHIPPED = "shipped"
PARTS = ("models", "target", "autotuner_settings", "run_settings", "learning", "experiments")


@dataclass(frozen=True)
class AutotunerSettings:
    """How the kernels of each network are tuned. Of `trials` and `minutes`, what is reached first ends it."""

    tuner: str = "ga_dqn"
    """One of `TUNERS`."""
    trials: int | None = None
    """Kernels to measure, in all kernels of a network together."""
    minutes: float | None = field(default=None, metadata={LEAST: 0.01})
    """Of wall time for each network, preparing and measuring included."""
    batch: int = 8
    """Trials of one kernel before the next one's turn."""
    seed: int = field(default=0, metadata={LEAST: 0})
    workers: int | None = None
    """Processes that measure; one for each physical core where it is not given."""
    limit_s: float = field(default=DEFAULT_LIMIT_S, metadata={LEAST: 0.1})
    """Seconds that a candidate may take to be built and timed."""
    policy: str = ""
    """A policy for kernels, whose schedules the tuner begins with; tuner "policy" has no others."""
    transfer_from: str = SHIPPED
    """What GA-DQN learnt before: the folder `knowledge` of another tuning or of the mode `learn`; "shipped" for what
    comes with the package, where something does, and "" for nothing."""
    save_path: str = "results/tuning"
    """The folder in which each network has one for its trials and tuning records."""

    def __post_init__(self) -> None:
        choose(self.tuner, TUNERS, 'tuner in field "tuner" of autotuner_settings')
        if self.trials is None and self.minutes is None:
            raise UserError('autotuner_settings needs the field "trials" or the field "minutes", or both')
        if self.tuner == POLICY and not self.policy:
            raise UserError(
                'tuner "policy" of autotuner_settings needs the field "policy": a run or policy for kernels'
            )

    @property
    def budget(self) -> Budget:
        return Budget(None if self.minutes is None else 60 * self.minutes, self.trials)


@dataclass(frozen=True)
class RunSettings:
    """How networks are timed."""

    repeat: int = 3
    """Rounds, in each of which PyTorch and TVM without and with records have their turns."""
    tuning_records: str = ""
    """The folder of tuning records; that of the network in `save_path` of autotuner_settings where it is not given."""
    save_path: str = "results/benchmark"
    """The folder in which each network has a file with its times."""


@dataclass(frozen=True)
class NetworkConfig:
    """The whole of it."""

    models: tuple[str, ...]
    target: str
    tuner: AutotunerSettings
    run: RunSettings

    def folder(self, network: str) -> Path:
        """Where a network's trials and tuning records are."""
        return Path(self.tuner.save_path) / network

    def tuned_within(self, folder: Path) -> NetworkConfig:
        """The same with what tuning saves under `folder`, unless its path is absolute."""
        return replace(self, tuner=replace(self.tuner, save_path=str(folder / self.tuner.save_path)))

    def timed_within(self, folder: Path) -> NetworkConfig:
        """The same with what a benchmark saves under `folder`, unless its path is absolute."""
        return replace(self, run=replace(self.run, save_path=str(folder / self.run.save_path)))

    def records(self, network: str) -> Path:
        """The tuning records that a benchmark applies."""
        return Path(self.run.tuning_records) if self.run.tuning_records else self.folder(network)


def read_network_config(text: str) -> NetworkConfig:
    """From a file's name or JSON. UserError names the field that is wrong."""
    content, what = read_content(text), what_is(text)
    for name in content:
        choose(name, PARTS, "field of the configuration")
    if "models" not in content:
        raise UserError(f'{what} lacks the field "models"; give a list of some of {", ".join(NETWORKS)}')
    models: tuple[str, ...] = checked('field "models"', content["models"], "tuple")
    for model in models:
        choose(model, NETWORKS, 'network in field "models"')
    target: str = checked('field "target"', content.get("target", NATIVE), "str")
    optional: dict[str, Any] = {"run_settings": {}, **content}
    return NetworkConfig(
        tuple(dict.fromkeys(models)),
        target,
        section(content, "autotuner_settings", AutotunerSettings, what),
        section(optional, "run_settings", RunSettings, what),
    )
