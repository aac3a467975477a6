"""What a scaled network really is: channels, blocks and resolution after all rounding.

Many scalings are one network, because channels are multiples of 8 and blocks are whole. Whatever is trained, measured
or remembered belongs to the architecture, so that nothing is done twice.

PreActResNet: He et al. 2016, arXiv 1603.05027, in the variant for small images with a stem of 3x3. EfficientNet-B0 and
how widths are rounded: Tan and Le 2019, arXiv 1905.11946.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rllib_envs.names import choose
from rllib_envs.network_scaling.scaling import TENTHS, Scaling

DIVISOR = 8
"""Channels are multiples of it."""
LEAST_SHARE = 0.9
"""Rounding takes at most a tenth of the channels away."""
SCALINGS_KEPT = 100_000


@dataclass(frozen=True)
class Stage:
    """Blocks of the same width; the first of them changes channels and size."""

    channels: int
    blocks: int
    stride: int
    kernel: int = 3
    expansion: int = 1
    """EfficientNet: how many times wider a block is inside."""


@dataclass(frozen=True)
class Family:
    """A base network."""

    stem: int
    stages: tuple[Stage, ...]
    block: str
    """"basic" and "bottleneck" of PreActResNet, "inverted" of EfficientNet."""
    stem_stride: int = 1
    head: int = 0
    """Channels that a last convolution makes before the classifier; 0 where there is none."""
    round_up: bool = False
    """Whether a part of a block counts as one."""

    @property
    def growth(self) -> int:
        """How many times more channels leave a block than its stage is wide."""
        return 4 if self.block == "bottleneck" else 1


def _preactresnet(block: str, *blocks: int) -> Family:
    widths, strides = (64, 128, 256, 512), (1, 2, 2, 2)
    return Family(64, tuple(map(Stage, widths, blocks, strides)), block)


FAMILIES = {
    "preactresnet18": _preactresnet("basic", 2, 2, 2, 2),
    "preactresnet34": _preactresnet("basic", 3, 4, 6, 3),
    "preactresnet50": _preactresnet("bottleneck", 3, 4, 6, 3),
    "efficientnet_b0": Family(
        stem=32,
        stages=(
            Stage(16, 1, 1, 3, 1),
            Stage(24, 2, 2, 3, 6),
            Stage(40, 2, 2, 5, 6),
            Stage(80, 3, 2, 3, 6),
            Stage(112, 3, 1, 5, 6),
            Stage(192, 4, 2, 5, 6),
            Stage(320, 1, 1, 3, 6),
        ),
        block="inverted",
        stem_stride=2,
        head=1280,
        round_up=True,
    ),
}
OTHER_NAMES = {"efficientnet": "efficientnet_b0"}


@dataclass(frozen=True)
class Architecture:
    """A network, whatever scaling it came from."""

    network: str
    stem: int
    """Channels that the first convolution makes."""
    widths: tuple[int, ...]
    """Channels of each stage."""
    blocks: tuple[int, ...]
    head: int
    resolution: int
    """Pixels of the square input, along one side."""
    channels: int
    """Of the input: 1 or 3."""
    classes: int

    @property
    def family(self) -> Family:
        return FAMILIES[self.network]

    @property
    def key(self) -> str:
        """The same text for the same network, and another one for each other."""
        widths, blocks = (" ".join(map(str, numbers)) for numbers in (self.widths, self.blocks))
        return (
            f"{self.network} stem {self.stem} widths {widths} blocks {blocks} head {self.head} "
            f"input {self.channels}x{self.resolution}x{self.resolution} classes {self.classes}"
        )


def network_name(name: str) -> str:
    """Our name of a base network. UserError where there is none such."""
    return choose(OTHER_NAMES.get(name, name), FAMILIES, "network")


@lru_cache(maxsize=SCALINGS_KEPT)
def architecture_of(
    network: str, scaling: Scaling, channels: int = 3, classes: int = 100, scaled_stem: bool = True
) -> Architecture:
    """The architecture that a scaling of a base network is. UserError for an unknown network.

    Without `scaled_stem` the first convolution keeps its channels, as in the networks that memory figures were
    published for.
    """
    network = network_name(network)
    family = FAMILIES[network]
    return Architecture(
        network=network,
        stem=_rounded_channels(family.stem, scaling.width) if scaled_stem else family.stem,
        widths=tuple(_rounded_channels(stage.channels, scaling.width) for stage in family.stages),
        blocks=tuple(_whole_blocks(stage.blocks, scaling.depth, family.round_up) for stage in family.stages),
        head=_rounded_channels(family.head, scaling.width) if family.head else 0,
        resolution=scaling.resolution,
        channels=channels,
        classes=classes,
    )


def _rounded_channels(channels: int, tenths: int) -> int:
    """To the nearest multiple of 8, which is at least 8 and never less than 90 % of what was asked for."""
    wanted = channels * tenths  # in tenths of a channel
    rounded = max(DIVISOR, (wanted + TENTHS * DIVISOR // 2) // (TENTHS * DIVISOR) * DIVISOR)
    return rounded if rounded * TENTHS >= LEAST_SHARE * wanted else rounded + DIVISOR


def _whole_blocks(blocks: int, tenths: int, round_up: bool) -> int:
    wanted = blocks * tenths
    return max(1, -(-wanted // TENTHS) if round_up else wanted // TENTHS)
