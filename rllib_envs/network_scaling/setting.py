"""What accuracies are accuracies of: a base network, a data set, and how candidates are trained."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.architecture import Architecture, architecture_of, network_name
from rllib_envs.network_scaling.data.shapes import SHAPES
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.training_setting import TrainingSetting


@dataclass(frozen=True)
class Setting:
    """UserError for an unknown network or data set."""

    network: str
    data: str
    training: TrainingSetting = field(default_factory=TrainingSetting)
    scaled_stem: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", network_name(self.network))
        choose(self.data, SHAPES, "data set of images")

    @classmethod
    def from_json(cls, content: Any) -> Setting:
        """UserError where it isn't what `to_json` makes."""
        try:
            return cls(**{**content, "training": TrainingSetting.from_json(content.get("training", {}))})
        except (TypeError, AttributeError) as error:
            raise UserError(f"this is no setting of network scaling: {error}") from None

    def to_json(self) -> dict[str, Any]:
        content = {name: getattr(self, name) for name in ("network", "data", "scaled_stem")}
        return {**content, "training": self.training.to_json()}

    @cached_property
    def key(self) -> str:
        """The same text for the same setting, under which results are shared."""
        return json.dumps(self.to_json(), sort_keys=True)

    @property
    def channels(self) -> int:
        """Of an image."""
        return SHAPES[self.data][0]

    @property
    def classes(self) -> int:
        return SHAPES[self.data][1]

    def architecture(self, scaling: Scaling) -> Architecture:
        return architecture_of(self.network, scaling, self.channels, self.classes, self.scaled_stem)
