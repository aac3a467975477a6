"""What a trainer is: settings as fields, and the RLlib classes that they configure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.trainers.search_space import Range

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.core.rl_module.rl_module import RLModule


@dataclass(frozen=True)
class Trainer(ABC):
    """A learning algorithm with its settings as fields. A new one is such a class and its line in `TRAINERS`."""

    kind: ClassVar[str]
    """The kind of policy that it trains: "actor_critic", "q" or "recurrent_q"."""
    search_space: ClassVar[Mapping[str, Range]]
    """What a sweep tries: for some of the fields, the values that make sense."""

    learning_rate: float = 1e-3
    """Step size of Adam."""

    @abstractmethod
    def algorithm_config(self) -> AlgorithmConfig:
        """RLlib's configuration with these settings."""

    @abstractmethod
    def module_class(self) -> type[RLModule]:
        """The RLlib module that holds its network."""
