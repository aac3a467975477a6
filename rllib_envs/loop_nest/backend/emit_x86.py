"""Write a planned loop nest as x86-64 machine code, with the vectors of a given instruction set.

The result is a function `void kernel(float *C, const float *A, const float *B, ...)`, the tensors of the epilogue
last. It holds one pointer for each tensor, moves the pointers with the loops around the block, and reaches everything
in the block through constant displacements.
"""

from __future__ import annotations

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.block_x86 import POINTERS, VISITS, BlockEmitter
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.plan import Plan, last_visits, make_plan
from rllib_envs.loop_nest.statement import Statement

COUNTERS = (x86.RCX, x86.R8, x86.R9, x86.R10, x86.R11, x86.RBX, x86.RBP, x86.R12, x86.R13, x86.R14)
"""Loop counters, from the innermost loop outwards, as far as none is a pointer; the loops beyond count on the stack."""

Extents = dict[str, int]


def emit_x86(statement: Statement, loops: Schedule, instructions: type[InstructionSet], slack: bool = True) -> bytes:
    """Machine code for a schedule. The code may run anywhere in memory.

    Contract: the arguments are aligned to 4 bytes, and C does not overlap an input. With `slack`, each input is
    readable for `memory.SLACK_BYTES` beyond its last element, because whole vectors are loaded in tails; without it,
    nothing beyond a tensor is read.
    """
    plan = make_plan(statement, loops, instructions.target)
    return NestEmitter(statement, plan, instructions, slack).emit()


class NestEmitter:
    """Writes the loops around the block; the block writes itself."""

    def __init__(self, statement: Statement, plan: Plan, instructions: type[InstructionSet], slack: bool) -> None:
        self.statement = statement
        self.plan = plan
        self.assembler = x86.Assembler()
        self.pointers = POINTERS[: len(plan.tensors)]
        self.counters = [register for register in COUNTERS if register not in self.pointers]
        self.block = BlockEmitter(self.assembler, instructions(self.assembler), statement, plan, slack)

    def emit(self) -> bytes:
        assembler = self.assembler
        for register in x86.CALLEE_SAVED:
            assembler.push(register)
        self.block.prologue()
        self._nest(0, dict(self.statement.size), 0)
        assembler.clear_upper_halves()
        for register in reversed(x86.CALLEE_SAVED):
            assembler.pop(register)
        assembler.ret()
        return assembler.finish()

    def _nest(self, depth: int, extents: Extents, last_visit: int | None) -> None:
        """Code for the loops from this depth inwards, over what is left of each variable's extent.

        C is complete after the visit with the number `last_visit`; None where others come after this code.
        """
        if depth == self.plan.hold:
            self.block.load_accumulators(extents)
        if depth == self.plan.block:
            self.block.operations(extents)
        else:
            self._loop(depth, extents, last_visit)
        if depth == self.plan.hold:
            self.block.store_accumulators(last_visit)

    def _loop(self, depth: int, extents: Extents, last_visit: int | None) -> None:
        """Full iterations, then the tail with code of its own; leaves the pointers as it found them."""
        var, step, _ = self.plan.loops[depth]
        full, tail = divmod(extents[var], step)
        moves = self._moves(depth)
        iteration = {**extents, var: step}
        last_of_full, last_of_tail = last_visits(self.plan, depth, extents[var], last_visit)
        moved = 0
        if full > 1:
            self._counted(depth, full, iteration, moves, last_of_full)
            moved = full
        elif full == 1:
            self._nest(depth + 1, iteration, last_of_full)
            if tail:
                self._move(moves, 1)
                moved = 1
        if tail:
            self._nest(depth + 1, {**extents, var: tail}, last_of_tail)
        if moved:
            self._move(moves, -moved)

    def _counted(
        self, depth: int, count: int, extents: Extents, moves: list[tuple[int, int]], last_visit: int | None
    ) -> None:
        """A loop of `count` > 1 equal iterations."""
        assembler = self.assembler
        enclosed = self.plan.block - 1 - depth
        in_register = enclosed < len(self.counters)
        if in_register:
            assembler.set(self.counters[enclosed], count)
        else:
            assembler.push_value(count)
        if enclosed == 0:
            assembler.align()
        start = assembler.size
        self._nest(depth + 1, extents, last_visit)
        self._move(moves, 1)
        if in_register:
            assembler.decrement(self.counters[enclosed])
        else:
            assembler.decrement_top()
        assembler.jump_back_if_nonzero(start)
        if not in_register:
            assembler.pop(x86.RAX)

    def _moves(self, depth: int) -> list[tuple[int, int]]:
        """The registers that change with an iteration of this loop, and by how much."""
        var, step, _ = self.plan.loops[depth]
        pointers = zip(self.pointers, self.plan.tensors, strict=True)
        moves = [(pointer, tensor.stride[var] * step) for pointer, tensor in pointers if var in tensor.stride]
        if self.block.counts_visits and self.plan.revisits(depth):
            moves.append((VISITS, 1))
        return moves

    def _move(self, moves: list[tuple[int, int]], iterations: int) -> None:
        for register, amount in moves:
            self.assembler.add(register, amount * iterations)
