"""Convolutions that are padded as TensorFlow's are."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Same(nn.Conv2d):
    """A convolution that gives ceil(size / stride) places along each side; what is odd is padded at the end."""

    def __init__(self, into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(into, out, kernel, stride, groups=groups, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        down, right = (self._padding_of(size) for size in inputs.shape[-2:])
        if down or right:
            inputs = functional.pad(inputs, (right // 2, right - right // 2, down // 2, down - down // 2))
        return super().forward(inputs)

    def _padding_of(self, size: int) -> int:
        kernel, stride = self.kernel_size[0], self.stride[0]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)
