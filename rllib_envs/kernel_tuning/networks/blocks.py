"""Parts that several networks are made of. Imports PyTorch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class ConvNorm(nn.Module):
    """A convolution that keeps the size of images with stride 1, batch normalisation, and an activation."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: str = "relu"
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.activation = {"relu": nn.ReLU, "relu6": nn.ReLU6, "none": nn.Identity}[activation]()

    def forward(self, images: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height / stride, width / stride]."""
        result: Tensor = self.activation(self.norm(self.convolution(images)))
        return result

    def fold(self) -> None:
        """Make the normalisation a part of the convolution's weights and bias, as is done before deployment."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.convolution = fuse_conv_bn_eval(self.convolution, self.norm)
        self.norm = nn.Identity()
