"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) with ReLU6, without squeeze and excitation.

Padding is TensorFlow's "same", with which the published weights were trained.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from rllib_envs.stem_sharing.layered.same import Same

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion, channels."""
STEM, HEAD, DENSE = 32, 1280, 1024
"""Channels; the last is of the layer that Jiang et al. 2018 put between features and classes."""
NORM_EPSILON = 1e-3


def efficientnet_lite0(classes: int) -> nn.Sequential:
    """21 layers: a convolution, sixteen blocks, a convolution, pooling; and two of the application's own."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=Stem())
    into = STEM
    for blocks, kernel, stride, expansion, out in STAGES:
        for index in range(blocks):
            block = Inverted(into, out, kernel, 1 if index else stride, expansion)
            layers[f"block_{len(layers)}"] = block
            into = out
    layers["head"] = _activated(into, HEAD)
    layers["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    layers["dense"] = nn.Sequential(nn.Linear(HEAD, DENSE), nn.ReLU(inplace=True))
    layers["classifier"] = nn.Linear(DENSE, classes)
    return nn.Sequential(layers)


class Stem(nn.Module):
    """The first convolution. Frames come as p / 127.5 - 1; the weights are for (p - 127) / 128."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _activated(3, STEM, kernel=3, stride=2)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.body(frames * (127.5 / 128) + 0.5 / 128)
        return outputs


class Inverted(nn.Module):
    """Widen, filter each channel by itself, narrow; added to what came in where the shape stays."""

    def __init__(self, into: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = into * expansion
        self.widen = _activated(into, inside) if expansion > 1 else nn.Identity()
        self.filter = _activated(inside, inside, kernel, stride, inside)
        self.narrow = nn.Sequential(Same(inside, out), nn.BatchNorm2d(out, eps=NORM_EPSILON))
        self.keeps = stride == 1 and into == out

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.narrow(self.filter(self.widen(inputs)))
        return outputs + inputs if self.keeps else outputs


def _activated(into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = Same(into, out, kernel, stride, groups)
    return nn.Sequential(convolution, nn.BatchNorm2d(out, eps=NORM_EPSILON), nn.ReLU6(inplace=True))
