"""Convolutions as PyTorch's own functions have them: channels before the image's dimensions, in any memory layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from eval.baselines.protocol import NotAvailable
from eval.baselines.shapes import Dimension, Shaped, shaped_tensors
from rllib_envs.loop_nest.backend.memory import FloatArray
from rllib_envs.loop_nest.statement import Statement, Strides

FUNCTION: dict[int, Any] = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d}
"""By the number of the image's dimensions."""


def first_bias(statement: Statement, inputs: tuple[FloatArray, ...]) -> tuple[FloatArray, Strides] | None:
    """The tensor that the first step of the epilogue adds, if it adds one."""
    if not statement.epilogue:
        return None
    operation, operand = statement.epilogue[0]
    if operation != "add" or not isinstance(operand, tuple):
        return None
    return inputs[len(statement.inputs)], operand


def convolution(statement: Statement, inputs: tuple[FloatArray, ...]) -> tuple[Callable[[], Tensor], bool] | None:
    """What computes C into new memory, and whether it adds the bias; None where the statement is no convolution."""
    try:
        output, *shapes = shaped_tensors(statement)
    except NotAvailable:
        return None
    shapes = shapes[: len(statement.inputs)]
    windowed = [index for index, shape in enumerate(shapes) if any(len(dim) > 1 for dim in shape.dimensions)]
    if len(windowed) != 1:
        return None
    of_image, of_weights = windowed[0], 1 - windowed[0]
    sliding = [dim for dim in shapes[of_image].dimensions if len(dim) > 1]
    (channel,) = (dim for dim in shapes[of_image].dimensions if len(dim) == 1)
    places, windows = [dim[0][0] for dim in sliding], [dim[1][0] for dim in sliding]
    (features,) = (name for name in output.variables if name not in places)

    image = _view(inputs[of_image], shapes[of_image], [channel, *sliding])
    weights = _view(
        inputs[of_weights], shapes[of_weights], [_alone(name) for name in (features, channel[0][0], *windows)]
    )
    bias = first_bias(statement, inputs)
    if bias and bias[1] != ((features, 1),):
        bias = None
    compute = partial(
        FUNCTION[len(sliding)],
        image[None],
        weights,
        torch.from_numpy(bias[0]) if bias else None,
        stride=[dim[0][1] for dim in sliding],
    )
    made = [features, *places]
    order = [made.index(var) for var in statement.size if var in made]
    return (lambda: compute()[0].permute(order)), bias is not None


def _alone(name: str) -> Dimension:
    return ((name, 1),)


def _view(values: FloatArray, shape: Shaped, order: list[Dimension]) -> Tensor:
    return torch.from_numpy(values).view(shape.extents).permute([shape.dimensions.index(dim) for dim in order])
