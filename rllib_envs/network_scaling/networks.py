"""An architecture as a network of PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from rllib_envs.network_scaling import efficientnet, preactresnet
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.layers import blocks_of

BLOCKS = {
    "basic": preactresnet.BasicBlock,
    "bottleneck": preactresnet.BottleneckBlock,
    "inverted": efficientnet.InvertedBlock,
}


class Network(nn.Module):
    """Parts that are run one after the other, so that each can be timed where it stands."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        family, classes = architecture.family, architecture.classes
        blocks = list(blocks_of(architecture))
        features = architecture.widths[-1] * family.growth
        if family.block == "inverted":
            stem = efficientnet.make_stem(architecture.channels, architecture.stem)
            head: nn.Module = efficientnet.Head(features, architecture.head, classes)
        else:
            stem = preactresnet.make_stem(architecture.channels, architecture.stem)
            head = preactresnet.Head(features, classes)
        self.names = ("stem", *(block.part for block in blocks), "head")
        """Of the parts, as in `Layer.part`: all but the first block of a stage have one name."""
        self.parts = nn.Sequential(stem, *(BLOCKS[family.block](block) for block in blocks), head)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float [batch, channels, resolution, resolution] -> logits [batch, classes]."""
        logits: torch.Tensor = self.parts(images)
        return logits


def make_network(architecture: Architecture) -> Network:
    """With fresh weights, drawn by PyTorch's generator, in the layout that convolutions are fastest in."""
    network = Network(architecture)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]
