"""EfficientNet (Tan and Le 2019, arXiv 1905.11946), as a row of named parts."""

from __future__ import annotations

import torch
from torch import nn

from rllib_envs.network_scaling.layers import SQUEEZE, Block

NORM_MOMENTUM, NORM_EPSILON = 0.01, 1e-3


def _activated(into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, _norm(out), nn.SiLU(inplace=True)]


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON, momentum=NORM_MOMENTUM)


class InvertedBlock(nn.Module):
    """Widen, filter each channel by itself, weigh channels by what all places say (squeeze and excitation), narrow."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        expansion = block.stage.expansion
        inside, squeezed = block.into * expansion, max(1, block.into // SQUEEZE)
        widen = _activated(block.into, inside) if expansion > 1 else []
        self.filter = nn.Sequential(*widen, *_activated(inside, inside, block.stage.kernel, block.stride, inside))
        self.squeeze = nn.Conv2d(inside, squeezed, 1)
        self.active = nn.SiLU(inplace=True)
        self.excite = nn.Conv2d(squeezed, inside, 1)
        self.narrow = nn.Sequential(nn.Conv2d(inside, block.width, 1, bias=False), _norm(block.width))
        self.keeps = block.stride == 1 and block.into == block.width

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        filtered = self.filter(inputs)
        weights = self.excite(self.active(self.squeeze(filtered.mean((2, 3), keepdim=True))))
        narrowed: torch.Tensor = self.narrow(filtered * torch.sigmoid(weights))
        return narrowed + inputs if self.keeps else narrowed


class Head(nn.Module):
    """A last convolution of 1x1, and the mean over all places, classified."""

    def __init__(self, into: int, features: int, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Sequential(*_activated(into, features))
        self.classifier = nn.Linear(features, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.convolution(inputs).mean((2, 3)))
        return logits


def make_stem(channels: int, out: int) -> nn.Module:
    return nn.Sequential(*_activated(channels, out, 3, 2))
