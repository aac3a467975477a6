"""A small network for small boxes: inverted residual blocks (Sandler et al. 2018, arXiv 1801.04381)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

WIDTHS = (16, 24, 24, 32, 32, 48, 48, 64, 64, 96)
"""Channels of each block at a width of 16; the resolution is halved wherever they change."""
EXPANSION = 4


def mobile(classes: int, width: int = 16) -> nn.Sequential:
    """Twelve layers: a convolution, ten blocks, and a head. `width` are the channels of the first layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(convolution=nn.Sequential(*_filtered(3, width, stride=2)))
    into = width
    for index, base in enumerate(WIDTHS, 1):
        out = max(1, base * width // WIDTHS[0])
        layers[f"block_{index}"] = Block(into, out, stride=1 if out == into else 2)
        into = out
    layers["head"] = nn.Sequential(
        *_filtered(into, 4 * into, kernel=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * into, classes)
    )
    return nn.Sequential(layers)


class Block(nn.Module):
    """Widen, filter each channel by itself, narrow; added to what came in where the shape stays."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        inside = EXPANSION * into
        self.body = nn.Sequential(
            *_filtered(into, inside, kernel=1),
            *_filtered(inside, inside, stride=stride, groups=inside),
            nn.Conv2d(inside, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.keeps = stride == 1

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.body(inputs)
        return outputs + inputs if self.keeps else outputs


def _filtered(into: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(out), nn.ReLU6(inplace=True)]
