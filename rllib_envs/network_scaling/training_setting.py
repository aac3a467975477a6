"""How a candidate is trained, as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from rllib_envs.errors import UserError

VERSION = 2
"""Of this way of training: results of another one don't count."""


@dataclass(frozen=True)
class TrainingSetting:
    """How a candidate is trained. Accuracies are comparable where all of this is the same."""

    images: int = 10_000
    """Of the training part, drawn at random once for all; 0 takes all."""
    validation: int = 5_000
    """Of the validation part, likewise."""
    epochs: int = 1
    """Passes over the images."""
    batch: int = 128
    learning_rate: float = 0.1
    """At its highest: it rises from a 25th of it, and falls to nothing (one cycle)."""
    shift: int = 0
    """Pixels that each image is moved by at most, up or down and sideways. It pays from a dozen passes on."""
    patience: int = 3
    """Training ends early after so many epochs without a lower loss on the validation part."""

    def __post_init__(self) -> None:
        least = {"images": 0, "validation": 0, "epochs": 1, "batch": 2, "shift": 0, "patience": 1}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise UserError(f"{name} of a training is {getattr(self, name)}; it must be at least {lowest}")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"learning_rate of a training is {self.learning_rate}; give a positive number")

    @classmethod
    def from_json(cls, content: Any) -> TrainingSetting:
        """UserError where it isn't what `to_json` makes."""
        try:
            return cls(**content)
        except TypeError as error:
            raise UserError(f"these are no settings of a training: {error}") from None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
