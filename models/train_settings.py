"""What a training session is started with. Plain data, readable without Ray or PyTorch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.encoders.config import EncoderConfig
from models.trainers.base import Trainer
from models.trainers.registry import make_trainer
from rllib_envs.errors import UserError


def gpus_from_environment() -> int:
    """The number in RLLIB_NUM_GPUS; 0 when it isn't set."""
    text = os.environ.get("RLLIB_NUM_GPUS", "0")
    if not text.isdigit():
        raise UserError(f"RLLIB_NUM_GPUS is {text!r}; give the number of GPUs, such as 0 or 1")
    return int(text)


@dataclass(frozen=True)
class TrainSettings:
    """One training session. All values are plain data, so that a run can record them."""

    trainer: str
    """The learning algorithm, by name: a key of `TRAINERS`, or of `ALIASES`."""
    env: Mapping[str, Any]
    """What to train on: the keys of `TuningEnv.from_config` (problem, problem_config, suite, split, horizon, ...)."""
    env_runners: int = 0
    """Processes that play episodes; 0 plays them in this process."""
    envs_per_runner: int = 8
    """Environments in each of them. They share one forward pass of the network and take turns evaluating."""
    env_processes: bool = False
    """Each environment in a process of its own, stepped as it becomes ready; for environments that wait for
    something."""
    gpus: int = field(default_factory=gpus_from_environment)
    """GPUs to learn on; taken from RLLIB_NUM_GPUS when not given."""
    seed: int = 0
    """Seed of everything random. The same seed with env_runners=0 gives the same training, number for number."""
    records: str | None = None
    """File of measured evaluations to read and extend; None for none. Its path must be the same for all runners."""
    measure_doubtful: bool = False
    """Measure those again that it says timed out, crashed or were disturbed."""
    save_replay: bool = False
    """Keep replayed experience in checkpoints, where the trainer has any. They are then as large as that is."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """The network's shape."""
    trainer_settings: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the trainer's own settings, such as {"learning_rate": 3e-4}."""

    def __post_init__(self) -> None:
        self.make_trainer()
        for name, least in (("env_runners", 0), ("envs_per_runner", 1), ("gpus", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least {least}")

    def make_trainer(self) -> Trainer:
        """The trainer with the settings that are in force: its own, the problem's, and these changes."""
        return make_trainer(self.trainer, self.trainer_settings, self.env.get("problem", ""))

    @property
    def env_config(self) -> dict[str, Any]:
        records = {"records": self.records, "measure_doubtful": self.measure_doubtful}
        return {"seed": self.seed, **records, **self.env}
