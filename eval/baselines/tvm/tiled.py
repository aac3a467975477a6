"""A contraction tiled by hand in TVM, in the manner of its tutorial "How to optimize GEMM on CPU".

A tile of C of a few rows by two vectors is kept in registers over all reductions. An operand that does not lie in
memory as the vectors run is packed first, on each call. Tiles divide the loops, since TVM vectorises no tails.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from tvm import s_tir

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Prepared
from eval.baselines.protocol import NotAvailable
from eval.baselines.shapes import Shaped, shaped_tensors
from eval.baselines.tvm.call import Arguments, compiled
from eval.baselines.tvm.expression import REDUCED, RESULT, module
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.statement import Statement
from rllib_envs.tvm_host import Vectors, vectors, version

VECTORS_ACROSS = 2
REGISTERS_FOR_OPERANDS = 4
"""Of those that hold no part of C: the vectors of one operand, and what is broadcast of the other one."""


class Tile(NamedTuple):
    """The part of C that is kept in registers."""

    row: str
    rows: int
    column: str
    columns: int
    operand: int
    """The input that is read along `column`; it does not have `row`, and so is used for each of the rows."""


def prepare(workload: Workload, limits: TuningLimits) -> Prepared:
    began = time.perf_counter()
    tile = choose_tile(workload.statement, vectors())
    function = compiled(schedule(workload.statement, tile))
    how = f"{version()}, tiled by hand {tile.rows}x{tile.columns}"
    return Prepared(Arguments(workload).call(function), how, time.perf_counter() - began)


def choose_tile(statement: Statement, unit: Vectors) -> Tile:
    """Raises NotAvailable for what is no sum of products over a matrix at least."""
    output, *inputs = shaped_tensors(statement)
    if (statement.combine, statement.reduce) != ("multiply", "add") or len(output.dimensions) < 2:
        raise NotAvailable(f"not available for {statement.kind}: it is no contraction")
    *outer, column = (dimension[0][0] for dimension in output.dimensions)
    operand = next(index for index, tensor in enumerate(inputs) if column in tensor.variables)
    rows = [name for name in outer if name not in inputs[operand].variables]
    if not rows:
        raise NotAvailable(f"not available for {statement.kind}: each of its values is used once")
    width = VECTORS_ACROSS * unit.lanes
    columns = _divisor(statement.size[column], width, unit.lanes)
    height = (unit.registers - REGISTERS_FOR_OPERANDS) // -(-columns // unit.lanes)
    return Tile(rows[-1], _divisor(statement.size[rows[-1]], height), column, columns, operand)


def _divisor(size: int, limit: int, preferred: int = 1) -> int:
    """The largest number up to the limit that divides the size, a multiple of `preferred` if there is one."""
    divisors = [number for number in range(1, limit + 1) if size % number == 0]
    return max(divisors, key=lambda number: (number % preferred == 0, number))


def schedule(statement: Statement, tile: Tile) -> Any:
    """The scheduled IRModule."""
    output, *inputs = shaped_tensors(statement)
    sch = s_tir.Schedule(module(statement))
    block = sch.get_sblock(REDUCED if statement.epilogue else RESULT)
    if inputs[tile.operand].dimensions[-1][0][0] != tile.column:
        _pack(sch, block, tile, inputs[tile.operand])
    spatial = [dimension[0][0] for dimension in output.dimensions]
    loop = dict(zip([*spatial, *statement.reduced], sch.get_loops(block), strict=True))
    row, inner_row = sch.split(loop[tile.row], [None, tile.rows])
    column, inner_column = sch.split(loop[tile.column], [None, tile.columns])
    outside = [loop[name] for name in spatial if name not in (tile.row, tile.column)]
    reductions = [loop[name] for name in statement.reduced]
    sch.reorder(*outside, row, column, *reductions, inner_row, inner_column)
    sch.unroll(inner_row)
    sch.vectorize(inner_column)
    if statement.epilogue:
        last = sch.get_sblock(RESULT)
        sch.reverse_compute_at(last, column)
        sch.vectorize(sch.get_loops(last)[-1])
    if reductions:
        sch.decompose_reduction(block, reductions[0])
    return sch.mod


def _pack(sch: Any, block: Any, tile: Tile, shape: Shaped) -> None:
    """Copy the operand with the column's dimension moved to the end."""
    axis = next(index for index, dimension in enumerate(shape.dimensions) if tile.column in dict(dimension))
    if len(shape.dimensions[axis]) > 1:
        return  # a sliding window along the column already reads adjacent values where it is the last dimension
    sch.cache_read(block, tile.operand, "global")
    last = len(shape.dimensions) - 1

    def moved(*indices: Any) -> list[Any]:
        return [*indices[:axis], *indices[axis + 1 : last + 1], indices[axis]]

    sch.transform_layout(block, ("read", tile.operand), moved)
