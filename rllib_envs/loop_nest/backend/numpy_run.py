"""What a person would write in numpy for a statement, as the baseline that a schedule has to beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rllib_envs.loop_nest.backend.memory import FloatArray
from rllib_envs.loop_nest.backend.reference import (
    COMBINE,
    REDUCE,
    einsum_arguments,
    epilogue_operands,
    output_view,
    strided_view,
)
from rllib_envs.loop_nest.statement import Statement, Strides


def numpy_run(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> Callable[[], object]:
    """A function that computes the statement on these flat float32 tensors, prepared as far as possible.

    Matrix products go to `matmul`, other sums of products to `einsum`, the rest, an epilogue included, to ufuncs.
    """
    run = _run_without_epilogue(statement, output, inputs[: len(statement.inputs)])
    if not statement.epilogue:
        return run
    result = output_view(statement, output)
    steps = [(COMBINE[operation], operand) for operation, operand in epilogue_operands(statement, inputs)]

    def run_all() -> None:
        run()
        for step, operand in steps:
            step(result, operand, out=result)

    return run_all


def _run_without_epilogue(
    statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]
) -> Callable[[], object]:
    result = output_view(statement, output)
    first, *second = (
        strided_view(values, strides, statement.size) for values, strides in zip(inputs, statement.inputs, strict=True)
    )
    axes = tuple(position for position, var in enumerate(statement.size) if var in statement.reduced)
    if statement.reduce == "none":
        if not second:
            return lambda: np.copyto(result, first)
        combine = COMBINE[statement.combine]
        return lambda: combine(first, second[0], out=result)
    if (statement.combine, statement.reduce) == ("multiply", "add"):
        return _matmul(statement, output, inputs) or _einsum(statement, result, inputs)
    reduce = REDUCE[statement.reduce]
    if not second:
        return lambda: reduce.reduce(first, axis=axes, out=result)
    combine = COMBINE[statement.combine]
    return lambda: reduce.reduce(combine(first, second[0]), axis=axes, out=result)


def _matmul(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> Callable[[], object] | None:
    """`matmul` where the statement is a matrix product, perhaps a batch of them; None elsewhere."""
    product = matrix_product(statement, output, inputs)
    return product and (lambda: np.matmul(product.left, product.right, out=product.result))


class MatrixProduct(NamedTuple):
    """Views of a statement's tensors, in this order of their dimensions after those of a batch."""

    left: FloatArray
    """[rows, inner]."""
    right: FloatArray
    """[inner, columns]."""
    result: FloatArray
    """[rows, columns]."""
    order: tuple[str, ...]
    """The variables of `result`."""


def matrix_product(statement: Statement, output: FloatArray, inputs: tuple[FloatArray, ...]) -> MatrixProduct | None:
    """A statement as a matrix product, perhaps a batch of them; None where it is none."""
    a, b, c = ({var for var, _ in strides} for strides in (*statement.inputs, statement.output))
    batch, rows, columns, inner = a & b & c, (a & c) - b, (b & c) - a, (a & b) - c
    if not len(rows) == len(columns) == len(inner) == 1 or a | b | c != batch | rows | columns | inner:
        return None

    def view(values: FloatArray, strides: Strides, *axes: set[str]) -> FloatArray:
        names = [*sorted(batch), *(next(iter(axis)) for axis in axes)]
        return strided_view(values, strides, {var: statement.size[var] for var in names})

    return MatrixProduct(
        left=view(inputs[0], statement.inputs[0], rows, inner),
        right=view(inputs[1], statement.inputs[1], inner, columns),
        result=view(output, statement.output, rows, columns),
        order=(*sorted(batch), *rows, *columns),
    )


def _einsum(statement: Statement, result: FloatArray, inputs: tuple[FloatArray, ...]) -> Callable[[], object]:
    arguments: list[Any] = einsum_arguments(statement, inputs)
    path = np.einsum_path(*arguments, optimize="optimal")[0]
    return lambda: np.einsum(*arguments, out=result, optimize=path)
