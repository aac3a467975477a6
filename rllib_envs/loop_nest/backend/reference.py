"""What a statement computes, by numpy in float64, and how far float32 may be off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from rllib_envs.loop_nest.statement import Statement, Strides

DoubleArray = NDArray[np.float64]

UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of rounding to float32."""
POINTS_AT_ONCE = 1 << 20
"""Points of the iteration space that are expanded in memory at a time, 8 MiB for each array."""

COMBINE = {
    "multiply": np.multiply,
    "add": np.add,
    "subtract": np.subtract,
    "max": np.maximum,
    "min": np.minimum,
}
REDUCE = {"add": np.add, "max": np.maximum, "min": np.minimum}


def strided_view(values: NDArray[Any], strides: Strides, sizes: dict[str, int]) -> NDArray[Any]:
    """A view of a flat tensor with one dimension for each variable; broadcast where it has no stride."""
    elements = dict.fromkeys(sizes, 0)
    for var, stride in strides:
        elements[var] += stride
    return as_strided(values, tuple(sizes.values()), tuple(values.itemsize * stride for stride in elements.values()))


def output_view(statement: Statement, values: NDArray[Any]) -> NDArray[Any]:
    """C with one dimension for each variable that it has, in the order of `statement.sizes`."""
    sizes = {var: size for var, size in statement.sizes if var not in statement.reduced}
    return strided_view(values, statement.output, sizes)


class Reference(NamedTuple):
    """What C must be, with the dimensions of `output_view`."""

    values: DoubleArray
    tolerance: DoubleArray
    """The largest acceptable error of each element, for inputs drawn from a standard normal distribution."""


def reference(statement: Statement, inputs: tuple[NDArray[Any], ...]) -> Reference:
    """From the flat input tensors, those of the epilogue last."""
    doubles = tuple(values.astype(np.float64) for values in inputs)
    values = _reduced(statement, doubles[: len(statement.inputs)])
    tolerance = _reduction_tolerance(statement, values)
    for operation, operand in epilogue_operands(statement, doubles):
        values = COMBINE[operation](values, operand)
        scaled = tolerance * np.abs(operand) if operation == "multiply" else tolerance
        tolerance = scaled + UNIT_ROUNDOFF * np.abs(values)
    return Reference(values, tolerance)


def _reduced(statement: Statement, doubles: tuple[DoubleArray, ...]) -> DoubleArray:
    """C before the epilogue."""
    if statement.combine in ("multiply", "copy") and statement.reduce in ("add", "none"):
        return np.asarray(np.einsum(*einsum_arguments(statement, doubles), optimize=True))
    return _by_expansion(statement, doubles)


def epilogue_operands(statement: Statement, inputs: Sequence[NDArray[Any]]) -> Iterator[tuple[str, Any]]:
    """Each operation of the epilogue with a view of its tensor, as `output_view` has it, or its float32 constant."""
    sizes = {var: size for var, size in statement.sizes if var not in statement.reduced}
    tensors = iter(inputs[len(statement.inputs) :])
    for operation, operand in statement.epilogue:
        if isinstance(operand, tuple):
            yield operation, strided_view(next(tensors), operand, sizes)
        else:
            yield operation, np.float32(operand)


def _reduction_tolerance(statement: Statement, result: DoubleArray) -> DoubleArray:
    """Of C before the epilogue.

    n roundings of partial sums that grow like sqrt(n) add up to about n unit roundoffs times a small factor when their
    signs are random (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019). The first
    terms cover that and products of few factors; the last one covers sums that are not centred at zero. Where the same
    term comes again and again, signs are not random, partial sums grow faster even if they cancel in the end, and only
    n unit roundoffs of the sum are a bound.
    """
    summed = statement.reduced if statement.reduce == "add" else ()
    terms = prod(statement.size[var] for var in summed)
    read = {var for var, _ in chain(*statement.inputs)}
    repeats = statement.combine in ("max", "min") or not read.issuperset(statement.reduced)
    copies = prod(statement.size[var] for var in summed if var not in read)
    growth = terms if repeats else 2 * sqrt(terms)
    return UNIT_ROUNDOFF * (16 + 4 * terms * copies + growth * np.abs(result))


def einsum_arguments(statement: Statement, inputs: tuple[NDArray[Any], ...]) -> list[Any]:
    """What `numpy.einsum` needs for a sum of products: views of the inputs, and their variables by number."""
    number = {var: position for position, var in enumerate(statement.size)}
    used = {var for var, _ in chain(*statement.inputs)}
    arguments: list[Any] = []
    for position, (values, strides) in enumerate(zip(inputs, statement.inputs, strict=True)):
        own = {var for var, _ in strides}
        if position == 0:  # a variable that no input has still counts as often as it is repeated
            own |= set(statement.size) - used
        sizes = {var: size for var, size in statement.sizes if var in own}
        arguments += [strided_view(values, strides, sizes), [number[var] for var in sizes]]
    return [*arguments, [number[var] for var in statement.size if var not in statement.reduced]]


def _by_expansion(statement: Statement, inputs: tuple[DoubleArray, ...]) -> DoubleArray:
    """Anything else: write out all points of the iteration space, a part of it at a time."""
    views = [
        strided_view(values, strides, statement.size) for values, strides in zip(inputs, statement.inputs, strict=True)
    ]
    kept = [axis for axis, var in enumerate(statement.size) if var not in statement.reduced]
    reduced = tuple(axis for axis in range(len(statement.size)) if axis not in kept)
    start = {"max": -np.inf, "min": np.inf}.get(statement.reduce, 0.0)
    result = np.full([size for var, size in statement.sizes if var not in statement.reduced], start)
    for part in _parts(tuple(slice(0, size) for size in statement.size.values())):
        first, *second = (view[part] for view in views)
        terms = COMBINE[statement.combine](first, second[0]) if second else first
        target = tuple(part[axis] for axis in kept)
        if statement.reduce == "none":
            result[target] = terms
        else:
            operation = REDUCE[statement.reduce]
            result[target] = operation(result[target], operation.reduce(terms, axis=reduced) if reduced else terms)
    return result


def _parts(space: tuple[slice, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut a space of slices in halves along its longest dimension until the parts are small enough."""
    lengths = [part.stop - part.start for part in space]
    if prod(lengths) <= POINTS_AT_ONCE:
        yield space
        return
    axis = lengths.index(max(lengths))
    middle = (space[axis].start + space[axis].stop) // 2
    for half in (slice(space[axis].start, middle), slice(middle, space[axis].stop)):
        yield from _parts((*space[:axis], half, *space[axis + 1 :]))
