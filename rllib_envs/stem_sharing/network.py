"""The network that all applications were fine-tuned from: its layers and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.checked import finite, no_others, whole


@dataclass(frozen=True)
class BaseNetwork:
    """Layers 0, 1, ... in the order in which a frame passes them. Freeze point f keeps the layers below f."""

    latencies: tuple[float, ...]
    """Of each layer for one frame, in any unit; budgets and costs are in that unit times frames/s."""
    tensors: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Name of the tensor where the layers from a freeze point on begin; 0 is the input, the last one the output."""
    channels: int = 3
    height: int = 224
    width: int = 224

    def __post_init__(self) -> None:
        if not self.latencies or min(self.latencies) < 0 or sum(self.latencies) <= 0:
            raise UserError("layer_latencies have to be one or more numbers, none below 0 and not all of them 0")

    @property
    def layers(self) -> int:
        return len(self.latencies)

    @cached_property
    def cost_below(self) -> tuple[float, ...]:
        """[layers + 1]: latency of all layers below each freeze point."""
        return tuple(accumulate(self.latencies, initial=0.0))

    @property
    def total(self) -> float:
        """Latency of all layers."""
        return self.cost_below[-1]

    def between(self, start: int, end: int) -> float:
        """Latency of the layers from `start` to the one before `end`."""
        return self.cost_below[end] - self.cost_below[start]

    def tensor(self, point: int) -> str:
        """Where the layers from a freeze point on begin, by name or else by number."""
        return self.tensors.get(point, f"layer_{point}")

    def to_spec(self) -> dict[str, Any]:
        """The user's dictionary, `model_desc`."""
        return {
            "total_layers": self.layers,
            "channels": self.channels,
            "height": self.height,
            "width": self.width,
            "layer_latencies": list(self.latencies),
            "frozen_layer_names": {str(point): name for point, name in self.tensors.items()},
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> BaseNetwork:
        """From `model_desc`. Raises UserError that names what is wrong."""
        latencies = spec.get("layer_latencies")
        if not isinstance(latencies, list | tuple):
            raise UserError(f"model_desc needs layer_latencies, a list with a number for each layer, got {latencies!r}")
        found = tuple(finite(latency, f"layer_latencies[{index}]") for index, latency in enumerate(latencies))
        layers = whole(spec.get("total_layers", len(found)), "total_layers")
        if layers != len(found):
            raise UserError(
                f"model_desc has total_layers {layers} but {len(found)} layer_latencies; they have to agree"
            )
        names = spec.get("frozen_layer_names", {})
        if not isinstance(names, Mapping):
            raise UserError(f"frozen_layer_names has to be an object of freeze point: tensor, got {names!r}")
        tensors = {whole(point, "a freeze point of frozen_layer_names"): str(name) for point, name in names.items()}
        shape = {side: whole(spec.get(side, default), side) for side, default in (("channels", 3), *_SIDES)}
        no_others(spec, ("total_layers", "layer_latencies", "frozen_layer_names", *shape), "model_desc")
        return cls(found, tensors, **shape)


_SIDES = (("height", 224), ("width", 224))
