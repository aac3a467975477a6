"""Decide how a schedule becomes code: what is vectorised, what is straight-line, where C stays in registers.

The decisions follow LoopNest (Wasti et al., "LoopStack: a Lightweight Tensor Algebra Compiler Stack", 2022,
section 5):

1. The innermost loop is the vector loop.
2. The block is the largest inner part of the nest that is small enough for straight-line code and whose part
   of C fits into vector registers. If even the innermost loop alone is too large, a blocking loop is put
   around it.
3. C is loaded and stored outside the reduction loops that directly enclose the block.
4. Where the block has few C vectors, each gets several accumulators, to hide the latency of multiply-add.
5. An epilogue is done on the registers, just before C is stored for the last time.

Nothing here knows an instruction set; a `Target` gives the two numbers that matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import prod
from typing import NamedTuple

from rllib_envs.loop_nest.backend.loops import Loop, Schedule, check_loops
from rllib_envs.loop_nest.statement import Statement, Strides

FLOAT_BYTES = 4

# An instruction takes about 2 microseconds to generate; these bounds keep most schedules under a millisecond.
BLOCK_LIMIT = 128
"""Vector operations in one straight-line block. A larger one saves little more loop overhead."""
UNROLLED_BLOCK_LIMIT = 512
"""The same for a block that an "unroll" annotation asks for; its code still fits the instruction cache."""
CODE_LIMIT = 1024
"""Vector operations in all copies of the block, one for each tail; a larger total shrinks the block."""
SMALLEST_BLOCK_LIMIT = 8
COPIES_LIMIT = 256
"""Copies of the block. Each split that does not divide may double them; beyond this, splits are left out."""
MIN_CHAINS = 10
"""Independent sums wanted: two multiply-adds a cycle with a latency of four cycles, and some to spare."""
MAX_ACCUMULATORS = 8
"""Accumulators of one C vector; more would cost more to add up than they hide."""


class Target(NamedTuple):
    """The vector unit that a plan is for."""

    lanes: int
    """float32 lanes of a vector register."""
    registers: int
    """Vector registers that a plan may use."""


class Access(Enum):
    """How a tensor moves along the vector variable."""

    BROADCAST = "stays in place"
    PACKED = "moves by one element"
    STRIDED = "moves by more than one element"


class Tensor(NamedTuple):
    """A tensor as the generated code sees it."""

    stride: dict[str, int]
    """Bytes that one step of a variable moves; variables that do not move it are absent."""
    access: Access

    @classmethod
    def along(cls, vector: str, strides: Strides) -> Tensor:
        """The tensor with these element strides, when `vector` is the vector variable."""
        stride: dict[str, int] = {}
        for var, elements in strides:  # a variable may be named twice; its strides then add up
            stride[var] = stride.get(var, 0) + elements * FLOAT_BYTES
        step = stride.get(vector, 0)
        packed = Access.PACKED if step == FLOAT_BYTES else Access.STRIDED
        return cls(stride, packed if step else Access.BROADCAST)


@dataclass(frozen=True)
class Plan:
    """What the emitter has to write. Depths count loops from the outermost; depth 0 is the whole nest."""

    loops: Schedule
    """The loops that do something, vector loop last."""
    output: Tensor
    inputs: tuple[Tensor, ...]
    epilogue: tuple[Tensor, ...]
    """The tensors that the epilogue reads, in order."""
    hold: int
    """Depth from which the C vectors of a block stay in registers."""
    block: int
    """Depth from which everything is straight-line code."""
    held: int
    """C vectors in registers; 0 for a map."""
    accumulators: int
    """Registers for each held C vector."""

    @property
    def vector(self) -> str:
        return self.loops[-1].var

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in the order of the kernel's arguments."""
        return (self.output, *self.inputs, *self.epilogue)

    def revisits(self, depth: int) -> bool:
        """Whether the iterations of this loop store and load the same C vectors again."""
        return depth < self.hold and self.loops[depth].var not in self.output.stride


def make_plan(statement: Statement, loops: Schedule, target: Target) -> Plan:
    """Plan any legal schedule; raise UserError for an illegal one."""
    check_loops(statement, loops)
    loops = _limit_copies(statement, _sink_vectorized(_drop_idle(statement, loops)))
    limit, unrolled_limit = BLOCK_LIMIT, UNROLLED_BLOCK_LIMIT
    while True:
        plan, operations = _plan_block(statement, loops, target, limit, unrolled_limit)
        if copies(statement, plan.loops[: plan.block]) * operations <= CODE_LIMIT or limit <= SMALLEST_BLOCK_LIMIT:
            return plan
        unrolled_limit = max(operations // 2, SMALLEST_BLOCK_LIMIT)
        limit = min(limit, unrolled_limit)


def copies(statement: Statement, loops: Schedule) -> int:
    """Copies of their body that these loops need: one for each combination of full iterations and tails."""
    steps = _steps(loops)
    return prod(_tail_copies(statement.size[var], tuple(chain)) for var, chain in steps.items())


def vector_count(extent: int, steps: tuple[int, ...], lanes: int) -> int:
    """Vectors, some partly filled, that an extent needs under the vector variable's remaining steps."""
    if len(steps) == 1:
        return -(-extent // lanes)
    full, tail = divmod(extent, steps[0])
    count = full * vector_count(steps[0], steps[1:], lanes) if full else 0
    return count + (vector_count(tail, steps[1:], lanes) if tail else 0)


def vector_tails(plan: Plan, extent: int, lanes: int) -> tuple[int, ...]:
    """The numbers of lanes that partly filled vectors of the plan use."""
    extents = {extent}
    for loop in plan.loops[:-1]:
        if loop.var == plan.vector:
            full = {loop.step for extent in extents if extent >= loop.step}
            extents = full | {extent % loop.step for extent in extents if extent % loop.step}
    return tuple(sorted({extent % lanes for extent in extents} - {0}))


def last_visits(plan: Plan, depth: int, extent: int, last: int | None) -> tuple[int | None, int | None]:
    """In which visit C becomes complete, inside the full iterations of a loop and inside its tail.

    Visits count the iterations that the loops which revisit C have done before. `last` holds for the loop as a whole;
    None means in none of its visits.
    """
    if last is None or not plan.revisits(depth):
        return last, last
    full, tail = divmod(extent, plan.loops[depth].step)
    return (None if tail else last + full - 1), last + full


def _drop_idle(statement: Statement, loops: Schedule) -> Schedule:
    """Leave out the loops that run a single iteration, but keep one loop in all."""
    extent = dict(statement.size)
    busy = []
    for loop in loops:
        if loop.step < extent[loop.var]:
            busy.append(loop)
            extent[loop.var] = loop.step
    return tuple(busy) or loops[-1:]


def _sink_vectorized(loops: Schedule) -> Schedule:
    """Move the innermost "vectorize" loop that has no deeper loop of its variable to the inside."""
    for position in reversed(range(len(loops))):
        loop = loops[position]
        if loop.annotation == "vectorize" and loop.step == 1:
            return (*loops[:position], *loops[position + 1 :], loop)
    return loops


def _limit_copies(statement: Statement, loops: Schedule) -> Schedule:
    """Leave out splits, the innermost of the variable with most tails first, until copies are few enough."""
    while copies(statement, loops) > COPIES_LIMIT:
        steps = _steps(loops)
        worst = max(steps, key=lambda var: _tail_copies(statement.size[var], tuple(steps[var])))
        loops = tuple(loop for loop in loops if (loop.var, loop.step) != (worst, steps[worst][-2]))
    return loops


def _steps(loops: Schedule) -> dict[str, list[int]]:
    steps: dict[str, list[int]] = {}
    for loop in loops:
        steps.setdefault(loop.var, []).append(loop.step)
    return steps


def _tail_copies(extent: int, steps: tuple[int, ...]) -> int:
    if not steps:
        return 1
    full, tail = divmod(extent, steps[0])
    return (_tail_copies(steps[0], steps[1:]) if full else 0) + (_tail_copies(tail, steps[1:]) if tail else 0)


def _plan_block(
    statement: Statement, loops: Schedule, target: Target, limit: int, unrolled_limit: int
) -> tuple[Plan, int]:
    """The plan under a limit of operations a block, and the operations that its full block has."""
    vector, last = loops[-1].var, len(loops) - 1
    tensors = tuple(Tensor.along(vector, strides) for strides in statement.accesses)
    output, last_input = tensors[0], len(statement.inputs)
    free = target.registers - _reserved_registers(statement, vector, tensors)
    in_registers = statement.reduce != "none"
    extent = dict(statement.size)

    def size_of_block(depth: int) -> tuple[int, int]:
        """Vector operations and C vectors to hold in registers, of the nest from this depth inwards."""
        steps = tuple(loop.step for loop in loops[depth:] if loop.var == vector)
        vectors = vector_count(extent[vector], steps, target.lanes)
        operations = prod(size for var, size in extent.items() if var != vector) * vectors
        written = prod(size for var, size in extent.items() if var != vector and var in output.stride)
        held = written * (1 if output.access is Access.BROADCAST else vectors)
        return operations, held if in_registers else 0

    depth = 0
    operations, held = size_of_block(depth)
    while depth < last:
        allowed = unrolled_limit if loops[depth].annotation == "unroll" else limit
        if held <= free and operations <= allowed:
            break
        extent[loops[depth].var] = min(extent[loops[depth].var], loops[depth].step)
        depth += 1
        operations, held = size_of_block(depth)
    if depth == last:
        allowed = unrolled_limit if loops[last].annotation == "unroll" else limit
        most = min(free, allowed) if in_registers and output.access is not Access.BROADCAST else allowed
        if operations > most:  # only the vector loop is left, so operations counts its vectors
            blocks = -(-operations // most)
            operations = -(-operations // blocks)
            loops = (*loops[:last], Loop(vector, operations * target.lanes), loops[last])
            depth, held = last + 1, min(held, operations)

    hold = depth
    while hold > 0 and loops[hold - 1].var not in output.stride:
        hold -= 1
    accumulators = _accumulators(operations, held, free) if statement.reduce == "add" else 1
    inputs, epilogue = tensors[1 : 1 + last_input], tensors[1 + last_input :]
    return Plan(loops, output, inputs, epilogue, hold, depth, held, accumulators), operations


def _reserved_registers(statement: Statement, vector: str, tensors: tuple[Tensor, ...]) -> int:
    """Vector registers that can't hold C: lane offsets, identity of max or min, temporary, two operands."""
    strided = {tensor.stride[vector] for tensor in tensors if tensor.access is Access.STRIDED}
    identity = statement.reduce in ("max", "min")
    temporary = (statement.combine, statement.reduce) != ("multiply", "add")
    return len(strided) + identity + temporary + 2


def _accumulators(operations: int, held: int, free: int) -> int:
    """Accumulators for each C vector: enough for MIN_CHAINS, as far as registers and operations allow."""
    most = min(MAX_ACCUMULATORS, max(1, operations // held), max(1, free // held))
    return min(most, max(1, -(-MIN_CHAINS // held)))
