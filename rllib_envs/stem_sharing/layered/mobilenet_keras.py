"""MobileNet (Howard et al. 2017, arXiv 1704.04861), numbered as Keras does: each convolution, norm and activation is a
layer, so that published lists of freeze points mean what they say.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from rllib_envs.stem_sharing.layered.efficientnet_lite import DENSE, NORM_EPSILON
from rllib_envs.stem_sharing.layered.same import Same

BLOCKS = ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *((16, 1),) * 5, (32, 2), (32, 1))
"""Channels, in those of the first layer, and stride."""


def mobilenet_keras(classes: int, width: int = 32) -> nn.Sequential:
    """85 layers: the frames, a convolution, thirteen pairs of convolutions, pooling; two of the application's own.

    `width` are the channels of the first convolution.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(frames=nn.Identity())

    def add(name: str, convolution: Same) -> None:
        layers[name] = convolution
        layers[f"{name}_bn"] = nn.BatchNorm2d(convolution.out_channels, eps=NORM_EPSILON)
        layers[f"{name}_relu"] = nn.ReLU6()  # not in place: another application may be given the same tensor

    add("conv1", Same(3, width, kernel=3, stride=2))
    into = width
    for number, (factor, stride) in enumerate(BLOCKS, 1):
        out = factor * width
        add(f"conv_dw_{number}", Same(into, into, 3, stride, groups=into))
        add(f"conv_pw_{number}", Same(into, out))
        into = out
    layers["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    layers["dense"] = nn.Sequential(nn.Linear(into, DENSE), nn.ReLU(inplace=True))
    layers["classifier"] = nn.Linear(DENSE, classes)
    return nn.Sequential(layers)
