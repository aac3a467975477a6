"""The layers of an architecture by arithmetic alone: parameters, multiply-adds, and the memory that they take.

They follow the modules of `preactresnet.py` and `efficientnet.py` one by one, which a test holds, so that neither
memory nor a model of latency needs a network to be built.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rllib_envs.network_scaling.architecture import Architecture, Stage

FLOAT_BYTES = 4
MEGABYTE = 1 << 20
ARCHITECTURES_KEPT = 50_000
SQUEEZE = 4
"""A channel of an inverted block's squeezed description stands for so many that go into the block."""


class Layer(NamedTuple):
    """One module with an output of its own, for one image."""

    part: str
    """Where it belongs: "stem", "stage1.first", "stage1.rest", ..., "head"."""
    parameters: int
    outputs: int
    """Numbers that it gives out."""
    multiply_adds: int = 0


class Costs(NamedTuple):
    """What all layers of a network come to."""

    parameters: int
    outputs: int
    multiply_adds: int

    @property
    def memory(self) -> float:
        """Megabytes, 2**20 bytes each; see `memory_of`."""
        return FLOAT_BYTES * (self.parameters + self.outputs) / MEGABYTE


def _convolution(part: str, into: int, out: int, size: int, kernel: int = 1, groups: int = 1, bias: int = 0) -> Layer:
    """`size` is that of the output, along one side."""
    weights = into // groups * out * kernel**2
    return Layer(part, weights + bias * out, out * size**2, weights * size**2)


def _norm(part: str, channels: int, size: int) -> Layer:
    return Layer(part, 2 * channels, channels * size**2)


def _output(part: str, channels: int, size: int) -> Layer:
    """Of a module without parameters of its own: an activation, a whole block, the network."""
    return Layer(part, 0, channels * size**2)


def strided(size: int, stride: int) -> int:
    """The size behind a convolution that is padded by half its kernel."""
    return -(-size // stride)


class Block(NamedTuple):
    """One block of a network."""

    part: str
    stage: Stage
    into: int
    """Channels."""
    width: int
    """Channels of its stage."""
    size: int
    """Of its input, along one side."""
    stride: int


def blocks_of(architecture: Architecture) -> Iterator[Block]:
    """In the order in which they are run."""
    family, into = architecture.family, architecture.stem
    size = strided(architecture.resolution, family.stem_stride)
    rows = zip(family.stages, architecture.widths, architecture.blocks, strict=True)
    for number, (stage, width, blocks) in enumerate(rows, 1):
        for index in range(blocks):
            stride = 1 if index else stage.stride
            yield Block(f"stage{number}.{'rest' if index else 'first'}", stage, into, width, size, stride)
            into, size = width * family.growth, strided(size, stride)


def _basic(block: Block) -> Iterator[Layer]:
    part, into, width, size = block.part, block.into, block.width, block.size
    after = strided(size, block.stride)
    yield _norm(part, into, size)
    if block.stride > 1 or into != width:
        yield _convolution(part, into, width, after)
    yield _convolution(part, into, width, after, 3)
    yield _norm(part, width, after)
    yield _convolution(part, width, width, after, 3)
    yield _output(part, width, after)


def _bottleneck(block: Block) -> Iterator[Layer]:
    part, into, width, size, out = block.part, block.into, block.width, block.size, 4 * block.width
    after = strided(size, block.stride)
    yield _norm(part, into, size)
    if block.stride > 1 or into != out:
        yield _convolution(part, into, out, after)
    yield _convolution(part, into, width, size)
    yield _norm(part, width, size)
    yield _convolution(part, width, width, after, 3)
    yield _norm(part, width, after)
    yield _convolution(part, width, out, after)
    yield _output(part, out, after)


def _inverted(block: Block) -> Iterator[Layer]:
    part, into, width, size, stage = block.part, block.into, block.width, block.size, block.stage
    inside, squeezed, after = into * stage.expansion, max(1, into // SQUEEZE), strided(size, block.stride)
    if stage.expansion > 1:
        yield from _activated(part, into, inside, size)
    yield from _activated(part, inside, inside, after, stage.kernel, inside)
    yield _convolution(part, inside, squeezed, 1, bias=1)
    yield _output(part, squeezed, 1)
    yield _convolution(part, squeezed, inside, 1, bias=1)
    yield _convolution(part, inside, width, after)
    yield _norm(part, width, after)
    yield _output(part, width, after)


def _activated(part: str, into: int, out: int, size: int, kernel: int = 1, groups: int = 1) -> Iterator[Layer]:
    """A convolution, its norm and its activation."""
    yield _convolution(part, into, out, size, kernel, groups)
    yield _norm(part, out, size)
    yield _output(part, out, size)


LAYERS_OF_BLOCK = {"basic": _basic, "bottleneck": _bottleneck, "inverted": _inverted}


@lru_cache(maxsize=ARCHITECTURES_KEPT)
def layers_of(architecture: Architecture) -> tuple[Layer, ...]:
    """Every layer, the network itself as the last one."""
    family = architecture.family
    layers: list[Layer] = []
    size = strided(architecture.resolution, family.stem_stride)
    channels = architecture.channels
    if family.block == "inverted":
        layers += _activated("stem", channels, architecture.stem, size, 3)
    else:
        layers.append(_convolution("stem", channels, architecture.stem, size, 3))
    for block in blocks_of(architecture):
        layers += LAYERS_OF_BLOCK[family.block](block)
        size = strided(block.size, block.stride)
    features = architecture.widths[-1] * family.growth
    if architecture.head:
        layers += _activated("head", features, architecture.head, size)
        features = architecture.head
    layers.append(_convolution("head", features, architecture.classes, 1, bias=1))
    layers.append(_output("head", architecture.classes, 1))
    return tuple(layers)


@lru_cache(maxsize=ARCHITECTURES_KEPT)
def costs_of(architecture: Architecture) -> Costs:
    """Of one image; its pixels count as outputs, too."""
    layers = layers_of(architecture)
    pixels = architecture.channels * architecture.resolution**2
    return Costs(
        sum(layer.parameters for layer in layers),
        pixels + sum(layer.outputs for layer in layers),
        sum(layer.multiply_adds for layer in layers),
    )


def memory_of(architecture: Architecture) -> float:
    """Megabytes (2**20 bytes) of a network that classifies one image: its parameters, the image, and what every module
    gives out, in single precision.

    Blocks and the network count besides the layers in them, as they do in the published figures for PreActResNet-18
    that this is held to. It is an estimate from above: no run-time keeps all of that at a time.
    """
    return costs_of(architecture).memory
