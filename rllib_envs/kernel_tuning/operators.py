"""The operators whose kernels can be tuned: their sizes, tensors and operations, and what numpy makes of them.

A new one is an entry in `OPERATORS` and one in `expression.COMPUTE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Sizes = Mapping[str, int]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Operator:
    """Sums of products of a data tensor and a weight tensor."""

    sizes: tuple[str, ...]
    """The names of its sizes, in the order in which they are written."""
    shapes: Callable[[Sizes], tuple[Shape, Shape, Shape]]
    """Of data, weight and output."""
    terms: Callable[[Sizes], int]
    """How many products are summed for each element of the output."""
    compute: Callable[[Sizes, np.ndarray, np.ndarray], np.ndarray]
    """The output by numpy, in the type of its arguments."""
    channels: int
    """The axis of the output that a bias has an element for each place of."""
    optional: Mapping[str, int] = field(default_factory=dict)
    """Further sizes, and what they are where they aren't given."""

    def flops(self, sizes: Sizes) -> float:
        """A product and an addition for each term."""
        *_, output = self.shapes(sizes)
        return 2.0 * prod(output) * self.terms(sizes)


def _window_places(sizes: Sizes) -> tuple[int, int]:
    """Rows and columns of a convolution's output."""
    height, width = (
        (sizes[side] + 2 * sizes["padding"] - sizes["kernel"]) // sizes["stride"] + 1 for side in ("height", "width")
    )
    return height, width


def _windows(sizes: Sizes, data: np.ndarray) -> np.ndarray:
    """A view of padded images: [batch, channels, output rows, output columns, window rows, window columns]."""
    edge, stride, side = sizes["padding"], sizes["stride"], sizes["kernel"]
    padded = np.pad(data, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    return sliding_window_view(padded, (side, side), axis=(2, 3))[:, :, ::stride, ::stride]


def _dense_shapes(sizes: Sizes) -> tuple[Shape, Shape, Shape]:
    return (sizes["m"], sizes["k"]), (sizes["k"], sizes["n"]), (sizes["m"], sizes["n"])


def _batch_matmul_shapes(sizes: Sizes) -> tuple[Shape, Shape, Shape]:
    data, weight, output = _dense_shapes(sizes)
    return (sizes["batch"], *data), (sizes["batch"], *weight), (sizes["batch"], *output)


def _conv2d_shapes(sizes: Sizes) -> tuple[Shape, Shape, Shape]:
    images = sizes["batch"], sizes["in_channels"], sizes["height"], sizes["width"]
    weight = sizes["out_channels"], sizes["in_channels"], sizes["kernel"], sizes["kernel"]
    return images, weight, (sizes["batch"], sizes["out_channels"], *_window_places(sizes))


def _depthwise_shapes(sizes: Sizes) -> tuple[Shape, Shape, Shape]:
    images = sizes["batch"], sizes["channels"], sizes["height"], sizes["width"]
    weight = sizes["channels"], 1, sizes["kernel"], sizes["kernel"]
    return images, weight, (sizes["batch"], sizes["channels"], *_window_places(sizes))


def _conv2d(sizes: Sizes, data: np.ndarray, weight: np.ndarray) -> np.ndarray:
    summed = np.tensordot(_windows(sizes, data), weight, ((1, 4, 5), (1, 2, 3)))
    return summed.transpose(0, 3, 1, 2)


def _depthwise(sizes: Sizes, data: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("nchwij,cij->nchw", _windows(sizes, data), weight[:, 0]))


WINDOW = {"stride": 1, "padding": 0}
OPERATORS: Mapping[str, Operator] = {
    "dense": Operator(
        ("m", "n", "k"), _dense_shapes, lambda sizes: sizes["k"], lambda _, data, weight: data @ weight, channels=1
    ),
    "batch_matmul": Operator(
        ("batch", "m", "n", "k"),
        _batch_matmul_shapes,
        lambda sizes: sizes["k"],
        lambda _, data, weight: data @ weight,
        channels=2,
    ),
    "conv2d": Operator(
        ("batch", "in_channels", "height", "width", "out_channels", "kernel"),
        _conv2d_shapes,
        lambda sizes: sizes["in_channels"] * sizes["kernel"] ** 2,
        _conv2d,
        channels=1,
        optional=WINDOW,
    ),
    "depthwise_conv2d": Operator(
        ("batch", "channels", "height", "width", "kernel"),
        _depthwise_shapes,
        lambda sizes: sizes["kernel"] ** 2,
        _depthwise,
        channels=1,
        optional=WINDOW,
    ),
}
"""Matrices are row-major and the weight of `dense` is [k, n]: frameworks transpose it ahead of time, as it is constant.
Images are NCHW, the weights of convolutions OIHW, windows square."""
