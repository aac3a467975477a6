"""PreActResNet for small images (He et al. 2016, arXiv 1603.05027), as a row of named parts."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from rllib_envs.network_scaling.layers import Block


def _convolution(into: int, out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two convolutions of 3x3, each after its norm and ReLU."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(block.into)
        self.convolution1 = _convolution(block.into, block.width, 3, block.stride)
        self.norm2 = nn.BatchNorm2d(block.width)
        self.convolution2 = _convolution(block.width, block.width, 3)
        changes = block.stride > 1 or block.into != block.width
        self.shortcut = _convolution(block.into, block.width, 1, block.stride) if changes else None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        active = functional.relu(self.norm1(inputs))
        kept = inputs if self.shortcut is None else self.shortcut(active)
        inside = functional.relu(self.norm2(self.convolution1(active)))
        added: torch.Tensor = kept + self.convolution2(inside)
        return added


class BottleneckBlock(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1; four times as many channels leave it as are inside."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        out = 4 * block.width
        self.norm1 = nn.BatchNorm2d(block.into)
        self.convolution1 = _convolution(block.into, block.width, 1)
        self.norm2 = nn.BatchNorm2d(block.width)
        self.convolution2 = _convolution(block.width, block.width, 3, block.stride)
        self.norm3 = nn.BatchNorm2d(block.width)
        self.convolution3 = _convolution(block.width, out, 1)
        changes = block.stride > 1 or block.into != out
        self.shortcut = _convolution(block.into, out, 1, block.stride) if changes else None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        active = functional.relu(self.norm1(inputs))
        kept = inputs if self.shortcut is None else self.shortcut(active)
        inside = functional.relu(self.norm2(self.convolution1(active)))
        inside = functional.relu(self.norm3(self.convolution2(inside)))
        added: torch.Tensor = kept + self.convolution3(inside)
        return added


class Head(nn.Module):
    """The mean over all places, classified."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(features, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(inputs.mean((2, 3)))
        return logits


def make_stem(channels: int, out: int) -> nn.Module:
    return _convolution(channels, out, 3)
