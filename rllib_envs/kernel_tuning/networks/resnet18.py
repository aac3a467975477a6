"""ResNet-18 (He et al., 2015, arXiv:1512.03385, table 1) for one image of ImageNet's size."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu

from rllib_envs.kernel_tuning.networks.blocks import ConvNorm

SHAPE = (1, 3, 224, 224)
STAGES = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
"""Channels before and after, and the stride of the first of the stage's two blocks."""


class Residual(nn.Module):
    """Two convolutions beside a shortcut, which is a convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(inputs, outputs, 3, stride), ConvNorm(outputs, outputs, 3, activation="none")
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride, activation="none")

    def forward(self, images: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height / stride, width / stride]."""
        return relu(self.body(images) + self.shortcut(images))


def build() -> nn.Module:
    """11.7 M weights."""
    blocks = [
        block
        for inputs, outputs, stride in STAGES
        for block in (Residual(inputs, outputs, stride), Residual(outputs, outputs, 1))
    ]
    return nn.Sequential(
        ConvNorm(3, 64, 7, 2),
        nn.MaxPool2d(3, 2, 1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, 1000),
    )
