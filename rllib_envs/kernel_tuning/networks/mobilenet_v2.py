"""MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381, table 2) for one image of ImageNet's size."""

from __future__ import annotations

from torch import Tensor, nn

from rllib_envs.kernel_tuning.networks.blocks import ConvNorm

SHAPE = (1, 3, 224, 224)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""How much wider a block is inside, its output channels, how many blocks, and the stride of the first."""
FIRST, LAST = 32, 1280
"""Channels of the first and the last convolution."""


class InvertedResidual(nn.Module):
    """Wide inside, where each channel is by itself, and narrow outside."""

    def __init__(self, expansion: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * inputs
        expand = [ConvNorm(inputs, hidden, 1, activation="relu6")] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand,
            ConvNorm(hidden, hidden, 3, stride, groups=hidden, activation="relu6"),
            ConvNorm(hidden, outputs, 1, activation="none"),
        )
        self.shortcut = inputs == outputs and stride == 1

    def forward(self, images: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height / stride, width / stride]."""
        result: Tensor = images + self.body(images) if self.shortcut else self.body(images)
        return result


def build() -> nn.Module:
    """3.5 M weights."""
    blocks, inputs = [], FIRST
    for expansion, outputs, count, stride in STAGES:
        for number in range(count):
            blocks.append(InvertedResidual(expansion, inputs, outputs, stride if number == 0 else 1))
            inputs = outputs
    return nn.Sequential(
        ConvNorm(3, FIRST, 3, 2, activation="relu6"),
        *blocks,
        ConvNorm(inputs, LAST, 1, activation="relu6"),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(LAST, 1000),
    )
