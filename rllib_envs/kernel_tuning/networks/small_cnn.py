"""Three convolutions and a classifier, for images of CIFAR's size: a network whose tuning takes a minute."""

from __future__ import annotations

from torch import nn

from rllib_envs.kernel_tuning.networks.blocks import ConvNorm

SHAPE = (1, 3, 32, 32)


def build() -> nn.Module:
    """0.06 M weights."""
    return nn.Sequential(
        ConvNorm(3, 32, 3),
        nn.MaxPool2d(2),
        ConvNorm(32, 64, 3),
        nn.MaxPool2d(2),
        ConvNorm(64, 64, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
