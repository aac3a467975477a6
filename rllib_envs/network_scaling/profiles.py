"""Latencies on platforms that nobody has measured yet: a model with a few rates, fitted to published figures.

A batch takes so many seconds for each multiply-add, each number that a layer gives out, and each layer. The figures are
those of https://github.com/Janghyun1230/aisys2021_AutoML for PreActResNet-18 with a stem of 64 channels, CIFAR-100 and
batches of 64; their kind is all that can be said with so few of them. Wherever such a latency is shown, it is called
modelled. A table that was measured on the device takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.layers import costs_of, layers_of
from rllib_envs.network_scaling.scaling import LARGEST, SMALLEST, Scaling

BATCH = 64
GIGA = 1e9


@dataclass(frozen=True)
class Profile:
    """The rates of one device, for a batch of 64."""

    per_multiply_add: float
    """Nanoseconds, like the others, but for the last one."""
    per_output: float
    per_layer: float
    """Seconds."""
    after: str
    """What it was fitted to."""

    measured: ClassVar[bool] = False
    batch: ClassVar[int] = BATCH
    within: ClassVar[tuple[Scaling, Scaling]] = (SMALLEST, LARGEST)

    @property
    def about(self) -> str:
        return f"modelled after {self.after}"

    def seconds(self, architecture: Architecture) -> float:
        """For a batch."""
        costs = costs_of(architecture)
        per_image = self.per_multiply_add * costs.multiply_adds + self.per_output * costs.outputs
        return BATCH * per_image / GIGA + self.per_layer * len(layers_of(architecture))


PROFILES = {
    ("raspberrypi", "cpu"): Profile(0.018721, 14.266, 0.0, "1.955 s at (1, 1, 32) and 3.431 s at (1.5, 1, 32)"),
    # One figure each: in the proportions of the Raspberry Pi, and of the desktop's GPU.
    ("jetson", "cpu"): Profile(0.0054035, 4.1176, 0.0, "0.89 s at (1.4, 1.4, 32)"),
    ("jetson", "cuda"): Profile(0.0015263, 0.0, 0.0020831, "0.35 s at (1.9, 1.1, 36)"),
    ("desktop", "cpu"): Profile(0.0012972, 0.0, 0.0, "0.046 s at (1, 1, 32) and 0.102 s at (1.5, 1, 32)"),
    ("desktop", "cuda"): Profile(0.00020339, 0.0, 0.00027759, "0.020 s at (1, 1, 32) and 0.029 s at (1.5, 1, 32)"),
}
"""By platform and device."""
