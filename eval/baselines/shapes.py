"""The tensors of a statement with the dimensions that libraries know them by."""

from __future__ import annotations

from typing import NamedTuple

from eval.baselines.protocol import NotAvailable
from rllib_envs.loop_nest.kinds import KINDS, terms
from rllib_envs.loop_nest.statement import Statement, Strides

Dimension = tuple[tuple[str, int], ...]
"""The loop variables whose sum is the index, each with its factor; more than one for a sliding window."""


class Shaped(NamedTuple):
    """A dense row-major tensor, dimensions outermost first."""

    dimensions: tuple[Dimension, ...]
    extents: tuple[int, ...]

    @property
    def variables(self) -> set[str]:
        return {name for dimension in self.dimensions for name, _ in dimension}


def shaped_tensors(statement: Statement) -> list[Shaped]:
    """Each tensor, in the order of `statement.accesses`. Raises NotAvailable for one that is not dense."""
    kind = KINDS.get(statement.kind)
    if kind is None:
        return [_dense(access, statement) for access in statement.accesses]
    last = [dims for _, dims in kind.epilogue if isinstance(dims, str)]
    return [_written(dims, statement) for dims in (kind.output, *kind.inputs, *last)]


def _written(dims: str, statement: Statement) -> Shaped:
    return _shaped(tuple(tuple(terms(dim)) for dim in dims.split()), statement)


def _dense(access: Strides, statement: Statement) -> Shaped:
    """Of strides that are those of a dense tensor with one variable a dimension."""
    size = statement.size
    ordered = sorted(access, key=lambda entry: (-entry[1], size[entry[0]]))
    step = 1
    for name, stride in reversed(ordered):
        if stride != step and size[name] > 1:
            raise NotAvailable(f"not available for tensors that are not dense, such as one with the strides {access}")
        step *= size[name]
    return _shaped(tuple(((name, 1),) for name, _ in ordered), statement)


def _shaped(dimensions: tuple[Dimension, ...], statement: Statement) -> Shaped:
    size = statement.size
    extents = (1 + sum((size[name] - 1) * factor for name, factor in dimension) for dimension in dimensions)
    return Shaped(dimensions, tuple(extents))
