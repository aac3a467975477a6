"""A network by its name, with random weights: its speed does not depend on what it has learnt. Imports PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn

from rllib_envs.kernel_tuning.networks import mlp, mobilenet_v2, resnet18, small_cnn, transformer_block
from rllib_envs.kernel_tuning.networks.blocks import ConvNorm

SEED = 0


class Source(NamedTuple):
    """Where a network comes from."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    """Of its input."""


class Network(NamedTuple):
    """A network as it is used, and an input for it."""

    module: nn.Module
    input: torch.Tensor
    """float32"""


SOURCES: Mapping[str, Source] = {
    "small_cnn": Source(small_cnn.build, small_cnn.SHAPE),
    "mlp": Source(mlp.build, mlp.SHAPE),
    "transformer_block": Source(transformer_block.build, transformer_block.SHAPE),
    "resnet18": Source(resnet18.build, resnet18.SHAPE),
    "mobilenet_v2": Source(mobilenet_v2.build, mobilenet_v2.SHAPE),
}
"""As `names.NETWORKS` lists them, which needs no PyTorch."""


def build(name: str) -> Network:
    """The same each time: weights and input are drawn with a seed of their own."""
    source = SOURCES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        module = source.build()
        example = torch.randn(source.shape)
    module.eval()
    for part in module.modules():
        if isinstance(part, ConvNorm):
            part.fold()
    return Network(module.requires_grad_(False), example)
