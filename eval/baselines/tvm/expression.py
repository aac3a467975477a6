"""A statement in TVM's tensor expressions, and from there as a function that can be scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tvm
from tvm import te, tirx

from eval.baselines.shapes import Shaped, shaped_tensors
from rllib_envs.loop_nest.statement import Statement

REDUCED, RESULT = "reduced", "result"
"""The blocks. Where there is no epilogue, or nothing to reduce, RESULT is the only one."""
COMBINE = {
    "multiply": lambda a, b: a * b,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "max": tirx.max,
    "min": tirx.min,
}
REDUCE = {"add": te.sum, "max": te.max, "min": te.min}


def module(statement: Statement) -> Any:
    """An IRModule with the function `main`, which takes the statement's tensors in their own order, C first."""
    output, *others = shaped_tensors(statement)
    placeholders = [
        te.placeholder(tensor.extents, name=name)
        for tensor, name in zip(others, statement.tensor_names[1:], strict=True)
    ]
    inputs, last = placeholders[: len(statement.inputs)], placeholders[len(statement.inputs) :]
    result = _combined(statement, output, others, inputs)
    if statement.epilogue:
        result = _with_epilogue(statement, output, others[len(inputs) :], result, last)
    function = te.create_prim_func([result, *placeholders]).with_attr("tirx.noalias", True)
    return tvm.IRModule({"main": function})


def _combined(statement: Statement, output: Shaped, shapes: Sequence[Shaped], inputs: Sequence[Any]) -> Any:
    size = statement.size
    reduced = {name: te.reduce_axis((0, size[name]), name=name) for name in statement.reduced}

    def element(*indices: Any) -> Any:
        index = _by_variable(output, indices) | {name: axis.var for name, axis in reduced.items()}
        first, *second = (tensor(*_place(shape, index)) for shape, tensor in zip(shapes, inputs, strict=False))
        value = COMBINE[statement.combine](first, second[0]) if second else first
        return REDUCE[statement.reduce](value, axis=list(reduced.values())) if reduced else value

    return te.compute(output.extents, element, name=REDUCED if statement.epilogue else RESULT)


def _with_epilogue(
    statement: Statement, output: Shaped, shapes: Sequence[Shaped], before: Any, operands: Sequence[Any]
) -> Any:
    def element(*indices: Any) -> Any:
        index = _by_variable(output, indices)
        value = before(*indices)
        tensors = iter(zip(shapes, operands, strict=True))
        for operation, operand in statement.epilogue:
            if isinstance(operand, tuple):
                shape, tensor = next(tensors)
                value = COMBINE[operation](value, tensor(*_place(shape, index)))
            else:
                value = COMBINE[operation](value, tirx.const(operand, "float32"))
        return value

    return te.compute(output.extents, element, name=RESULT)


def _by_variable(output: Shaped, indices: Sequence[Any]) -> dict[str, Any]:
    return {dimension[0][0]: index for dimension, index in zip(output.dimensions, indices, strict=True)}


def _place(shape: Shaped, index: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        sum((index[name] * factor for name, factor in dimension[1:]), index[dimension[0][0]] * dimension[0][1])
        for dimension in shape.dimensions
    )
