"""What a person would write in PyTorch for a statement, on tensors as the statement lays them out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Library, Prepared
from eval.baselines.torch_convolution import convolution, first_bias
from rllib_envs.loop_nest.backend.child import MeasuringBench
from rllib_envs.loop_nest.backend.memory import FloatArray
from rllib_envs.loop_nest.backend.numpy_run import matrix_product
from rllib_envs.loop_nest.backend.reference import (
    einsum_arguments,
    epilogue_operands,
    output_view,
    strided_view,
)
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.statement import Statement

Compute = Callable[[], Tensor]
"""Returns C with the dimensions of `output_view`, in its own memory or in new memory."""
COMBINE: Mapping[str, Any] = {
    "multiply": torch.mul,
    "add": torch.add,
    "subtract": torch.sub,
    "max": torch.maximum,
    "min": torch.minimum,
}
REDUCE: Mapping[str, Any] = {"add": torch.sum, "max": torch.amax, "min": torch.amin}
IN_PLACE: Mapping[str, Any] = {
    "multiply": Tensor.mul_,
    "add": Tensor.add_,
    "subtract": Tensor.sub_,
    "max": Tensor.clamp_min_,
    "min": Tensor.clamp_max_,
}


def load(bench: MeasuringBench) -> Library:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    return {"torch": partial(prepare, bench)}


def prepare(bench: MeasuringBench, workload: Workload, limits: TuningLimits) -> Prepared:
    began = time.perf_counter()
    output, inputs = workload.tensors
    result = torch.from_numpy(output_view(workload.statement, output))
    compute = torch_run(workload.statement, output, inputs)
    answers = [compute()]  # what fails does so here; what prepares itself at its first use has done so

    def run() -> None:
        answers[0] = compute()

    def finish() -> None:
        if answers[0].data_ptr() != result.data_ptr():
            result.copy_(answers[0])

    how = f"PyTorch {torch.__version__}"
    seconds = time.perf_counter() - began
    return Prepared(bench.call_back(run)._replace(finish=finish), how, seconds)


def torch_run(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> Compute:
    """A function that computes the statement on these flat tensors, prepared as far as possible.

    Matrix products go to `matmul` or `addmm`, convolutions to `conv1d` and `conv2d`, other sums of products to
    `einsum`, the rest to pointwise functions and reductions.
    """
    compute, bias_added = _before_epilogue(statement, output, inputs)
    steps = [
        (IN_PLACE[operation], torch.from_numpy(operand) if operand.ndim else float(operand))
        for operation, operand in epilogue_operands(statement, inputs)
    ][bias_added:]

    def run() -> Tensor:
        value = compute()
        for step, operand in steps:
            step(value, operand)
        return value

    return run if steps else compute


def _before_epilogue(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> tuple[Compute, bool]:
    """What computes C, and whether it does the first step of the epilogue, too."""
    if (statement.combine, statement.reduce) == ("multiply", "add"):
        return (
            _matmul(statement, output, inputs)
            or convolution(statement, inputs)
            or (_einsum(statement, inputs[: len(statement.inputs)]), False)
        )
    result = torch.from_numpy(output_view(statement, output))
    first, *second = (
        torch.from_numpy(strided_view(values, strides, statement.size))
        for values, strides in zip(inputs, statement.inputs, strict=False)
    )
    axes = [axis for axis, var in enumerate(statement.size) if var in statement.reduced]
    if statement.reduce == "none":
        if second:
            return partial(COMBINE[statement.combine], first, second[0], out=result), False
        return partial(result.copy_, first), False
    reduce = REDUCE[statement.reduce]
    if second:
        combine = COMBINE[statement.combine]
        return (lambda: reduce(combine(first, second[0]), axes, out=result)), False
    return partial(reduce, first, axes, out=result), False


def _matmul(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> tuple[Compute, bool] | None:
    product = matrix_product(statement, output, inputs)
    if product is None:
        return None
    left, right, result = (torch.from_numpy(view) for view in (product.left, product.right, product.result))
    whole = torch.from_numpy(output_view(statement, output))
    bias = first_bias(statement, inputs)
    if bias and result.ndim == 2:
        sizes = {var: statement.size[var] for var in product.order}
        added = torch.from_numpy(strided_view(*bias, sizes))
        multiply = partial(torch.addmm, added, left, right, out=result)
    else:
        multiply, bias = partial(torch.matmul, left, right, out=result), None

    def run() -> Tensor:
        multiply()
        return whole

    return run, bias is not None


def _einsum(statement: Statement, inputs: tuple[FloatArray, ...]) -> Compute:
    arguments = [
        torch.from_numpy(argument) if isinstance(argument, np.ndarray) else argument
        for argument in einsum_arguments(statement, inputs)
    ]
    return partial(torch.einsum, *arguments)
