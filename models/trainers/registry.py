"""The trainers by name. A name that a person types never reaches an import; only these tables do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from models.trainers.apex_dqn import ApexDQN
from models.trainers.appo import APPO
from models.trainers.base import Trainer
from models.trainers.defaults import DEFAULTS
from models.trainers.dqn import DQN
from models.trainers.impala import IMPALA
from models.trainers.ppo import PPO
from models.trainers.r2d2 import R2D2
from models.trainers.self_improvement import SelfImprovement
from rllib_envs.errors import UserError
from rllib_envs.names import choose

TRAINERS: Mapping[str, type[Trainer]] = {
    "apex_dqn": ApexDQN,
    "appo": APPO,
    "dqn": DQN,
    "impala": IMPALA,
    "ppo": PPO,
    "r2d2": R2D2,
    "self_improvement": SelfImprovement,
}

ALIASES: Mapping[str, str] = {
    "apex_dqn.ApexDQN": "apex_dqn",
    "apex_dqn.ApexTrainer": "apex_dqn",
    "appo.APPO": "appo",
    "appo.APPOTrainer": "appo",
    "dqn.ApexTrainer": "apex_dqn",
    "dqn.DQN": "dqn",
    "dqn.DQNTrainer": "dqn",
    "dqn.R2D2Trainer": "r2d2",
    "impala.IMPALA": "impala",
    "impala.ImpalaTrainer": "impala",
    "ppo.APPOTrainer": "appo",
    "ppo.PPO": "ppo",
    "ppo.PPOTrainer": "ppo",
    "r2d2.R2D2": "r2d2",
    "r2d2.R2D2Trainer": "r2d2",
}
"""RLlib's spellings, old and new, that people's scripts use."""


def trainer_name(name: str) -> str:
    """The registered name behind any accepted spelling; UserError suggests the nearest for any other."""
    return ALIASES.get(name) or ALIASES.get(choose(name, [*TRAINERS, *ALIASES], "trainer"), name)


def make_trainer(name: str, changes: Mapping[str, Any] | None = None, problem: str = "") -> Trainer:
    """A trainer with its defaults, except for what `DEFAULTS` has for this problem, and then for `changes`.

    Raises UserError for an unknown trainer or field, and for a value of another type than the default's.
    """
    registered = trainer_name(name)
    trainer = TRAINERS[registered]()
    known = {field.name: getattr(trainer, field.name) for field in fields(trainer)}
    values: dict[str, Any] = {}
    for field_name, value in {**DEFAULTS.get((problem, registered), {}), **(changes or {})}.items():
        default = known[choose(field_name, known, f"setting of trainer {name!r}")]
        whole = isinstance(default, int)
        least = min(default, 1 if whole else 0)
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not number or not least <= value < math.inf:
            kind = f"a {'whole ' if whole else ''}number of at least {least}"
            raise UserError(f"{field_name}={value!r} for trainer {name!r}; give {kind}, such as {default}")
        values[field_name] = type(default)(value)
    return replace(trainer, **values)
