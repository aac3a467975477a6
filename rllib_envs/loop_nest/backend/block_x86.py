"""Write the straight-line block of a plan, and the loads and stores of its C vectors."""

from __future__ import annotations

import struct
from contextlib import nullcontext

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.block import Operation, block_operations, epilogue_offsets, held_vectors
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.operands_x86 import Operand, OperandCache
from rllib_envs.loop_nest.backend.plan import Access, Plan, vector_tails
from rllib_envs.loop_nest.backend.x86 import Assembler
from rllib_envs.loop_nest.statement import Statement

POINTERS = (x86.RDI, x86.RSI, x86.RDX, x86.RCX, x86.R8, x86.R9)
"""To the tensors, in the order of the kernel's arguments."""
OUTPUT, *INPUTS = POINTERS
VISITS = x86.R15
"""Iterations of outer reduction loops done so far; 0 while a C vector has no value yet."""

IDENTITY = {"max": 0xFF800000, "min": 0x7F800000}
"""float32 bits that a reduction starts from: minus infinity, infinity. A sum starts from cleared bits."""


class BlockEmitter:
    """Writes everything inside the loops. Accumulators live from load_accumulators to store_accumulators."""

    def __init__(
        self, assembler: Assembler, vectors: InstructionSet, statement: Statement, plan: Plan, slack: bool
    ) -> None:
        self.assembler = assembler
        self.vectors = vectors
        self.lanes = vectors.target.lanes
        self.statement = statement
        self.plan = plan
        self.slack = slack
        self.fused = (statement.combine, statement.reduce) == ("multiply", "add")
        outer = {loop.var for loop in plan.loops[: plan.hold]}
        self.counts_visits = statement.reduce != "none" and not outer <= plan.output.stride.keys()
        """Whether C vectors are left and met again, so have to be loaded."""
        self.foldable_inputs = [tensor.access in vectors.foldable for tensor in plan.inputs]
        self._accumulators: dict[int, list[int]] = {}
        self._held: dict[int, int] = {}
        self._assign_registers()

    def _assign_registers(self) -> None:
        """Vector registers: lane offsets, identity, temporary, accumulators; operands take the rest."""
        strided = sorted({t.stride[self.plan.vector] for t in self.plan.tensors if t.access is Access.STRIDED})
        self.lane_offsets = {stride: register for register, stride in enumerate(strided)}
        free = iter(range(len(strided), self.vectors.target.registers))
        self.identity = next(free) if self.statement.reduce in IDENTITY else -1
        self.temporary = -1 if self.fused else next(free)
        self.accumulator_registers = [next(free) for _ in range(self.plan.held * self.plan.accumulators)]
        if self.statement.epilogue and self.statement.reduce == "none":
            self.epilogue_operand = next(free)
        self.operand_registers = list(free)
        assert len(self.operand_registers) >= 2, "the plan leaves no registers for the operands"
        if self.statement.reduce != "none":
            self.epilogue_operand = self.operand_registers[0]  # the block is done with it

    def prologue(self) -> None:
        """Set the registers that stay the same in the whole kernel."""
        extent = self.statement.size[self.plan.vector]
        for stride, register in self.lane_offsets.items():
            reachable = min(self.lanes, extent)  # offsets of lanes that are never used must still fit 32 bits
            self.vectors.literal(register, [stride * min(lane, reachable - 1) for lane in range(self.lanes)])
        if self.identity >= 0:
            self.vectors.literal(self.identity, [IDENTITY[self.statement.reduce]] * self.lanes)
        if self.counts_visits:
            self.assembler.set(VISITS, 0)
        self.vectors.prepare(vector_tails(self.plan, extent, self.lanes))

    # Accumulators

    def load_accumulators(self, extents: dict[str, int]) -> None:
        """Set the registers of each C vector: to the value that C has, or the start of the reduction."""
        self._epilogue_offsets = epilogue_offsets(self.plan, extents, self.lanes)
        if self.statement.reduce == "none":
            return
        self._held = held_vectors(self.plan, extents, self.lanes)
        registers = iter(self.accumulator_registers)
        self._accumulators = {c: [next(registers) for _ in range(self.plan.accumulators)] for c in self._held}
        for accumulators in self._accumulators.values():
            for register in accumulators:
                self._start(register)
        if self.counts_visits and self.plan.output.access is not Access.BROADCAST:
            with self.assembler.if_nonzero(VISITS):
                for c, lanes in self._held.items():
                    self._load_held(self._accumulators[c][0], c, lanes)

    def store_accumulators(self, last_visit: int | None) -> None:
        """Reduce the accumulators of each C vector to one and write it, through the epilogue in the last visit."""
        if self.statement.reduce == "none":
            return
        for accumulators in self._accumulators.values():
            while len(accumulators) > 1:
                half = (len(accumulators) + 1) // 2
                for left, right in zip(accumulators, accumulators[half:], strict=False):
                    self.vectors.operate(self.statement.reduce, left, left, right, self.lanes)
                del accumulators[half:]
        totals = {c: accumulators[0] for c, accumulators in self._accumulators.items()}
        if self.plan.output.access is Access.BROADCAST:
            self._reduce_lanes(totals)
        if self.statement.epilogue and last_visit is not None:
            complete = [(c, self._held[c], register) for c, register in totals.items()]
            with self.assembler.if_equal(VISITS, last_visit) if self.counts_visits else nullcontext():
                self._finish(complete)
        for c, register in totals.items():
            if self.plan.output.access is Access.BROADCAST:
                self.vectors.store_one(register, OUTPUT, c)
            else:
                self._store(register, c, self._held[c])

    def _start(self, register: int) -> None:
        if self.identity >= 0:
            self.vectors.copy(register, self.identity)
        else:
            self.vectors.clear(register)

    def _load_held(self, register: int, c: int, lanes: int) -> None:
        if self.plan.output.access is Access.PACKED:
            self.vectors.load(register, OUTPUT, c, lanes)
        else:
            index = self.lane_offsets[self.plan.output.stride[self.plan.vector]]
            self.vectors.gather(register, OUTPUT, index, c, lanes)

    def _reduce_lanes(self, sums: dict[int, int]) -> None:
        """Reduce the lanes of the register of each C element to one value, together with the one that C has."""
        other = self.operand_registers[0]
        for register in sums.values():
            self.vectors.reduce_lanes(self.statement.reduce, register, other)
        if self.counts_visits:
            with self.assembler.if_nonzero(VISITS):
                for c, register in sums.items():
                    self.vectors.load_one(other, OUTPUT, c)
                    self.vectors.operate(self.statement.reduce, register, register, other, self.lanes)

    # The epilogue

    def _finish(self, complete: list[tuple[int, int, int]]) -> None:
        """Take C vectors through the epilogue, each given by its offset, its lanes in use and its register."""
        tensors = iter(range(len(self.plan.epilogue)))
        for operation, operand in self.statement.epilogue:
            tensor = next(tensors) if isinstance(operand, tuple) else None
            if not isinstance(operand, tuple):
                self._load_constant(operand)
            for c, lanes, register in complete:
                if tensor is not None:
                    self._load_epilogue_operand(tensor, c, lanes)
                self.vectors.operate(operation, register, register, self.epilogue_operand, self.lanes)

    def _load_constant(self, value: float) -> None:
        bits = int.from_bytes(struct.pack("<f", value), "little")
        if bits:
            self.vectors.literal(self.epilogue_operand, [bits] * self.lanes)
        else:
            self.vectors.clear(self.epilogue_operand)

    def _load_epilogue_operand(self, index: int, c: int, lanes: int) -> None:
        position, offset = 1 + len(self.plan.inputs) + index, self._epilogue_offsets[c][index]
        if self.plan.output.access is Access.BROADCAST:
            self.vectors.load_one(self.epilogue_operand, POINTERS[position], offset)
        else:
            self._load_vector(self.epilogue_operand, position, offset, lanes)

    # The block

    def operations(self, extents: dict[str, int]) -> None:
        """All operations of the block, with the accumulators of each C vector taking turns."""
        operations = block_operations(self.plan, extents, self.lanes)
        read = self._operands(operations)
        cache = OperandCache(self._load, self.operand_registers)
        for operands in read:
            cache.announce(operands)
        cache.start()
        turn = dict.fromkeys(self._accumulators, 0)
        for (c, _, _, lanes), operands in zip(operations, read, strict=True):
            if self.statement.reduce == "none":
                result = self._combine(cache, operands)
                if self.statement.epilogue:
                    if result != self.temporary:  # an operand that may be needed again
                        self.vectors.copy(self.temporary, result)
                    result = self.temporary
                    self._finish([(c, lanes, result)])
                self._store(result, c, lanes)
            else:
                accumulators = self._accumulators[c]
                accumulator = accumulators[turn[c] % len(accumulators)]
                turn[c] += 1
                self._accumulate(cache, operands, accumulator, lanes)
            cache.release(operands)

    def _operands(self, operations: list[Operation]) -> list[tuple[Operand, ...]]:
        """What each reads. Gathers read its lanes only; other vectors are read whole where there is slack."""
        whole = (Access.BROADCAST, Access.PACKED) if self.slack else (Access.BROADCAST,)
        # The lanes to read at least: for vectors that are read whole, all of them.
        least = [self.lanes if tensor.access in whole else 0 for tensor in self.plan.inputs]
        if len(least) == 1:
            return [((0, a, max(lanes, least[0])),) for _, a, _, lanes in operations]
        first, second = least
        return [((0, a, max(lanes, first)), (1, b, max(lanes, second))) for _, a, b, lanes in operations]

    def _accumulate(self, cache: OperandCache, operands: tuple[Operand, ...], accumulator: int, lanes: int) -> None:
        # Lanes beyond a tail hold arbitrary values. They are not stored, but a sum must not meet them.
        used = lanes if self.plan.output.access is Access.BROADCAST else self.lanes
        if self.fused:
            first, second = operands
            if self._foldable(cache, first) and not self._foldable(cache, second):
                first, second = second, first
            self._apply("fused", accumulator, cache.register(first, operands), second, cache, operands, used)
        elif self.statement.combine == "copy":
            self._apply(self.statement.reduce, accumulator, accumulator, operands[0], cache, operands, used)
        else:
            combined = self._combine(cache, operands)
            self.vectors.operate(self.statement.reduce, accumulator, accumulator, combined, used)

    def _combine(self, cache: OperandCache, operands: tuple[Operand, ...]) -> int:
        """The register that has A combined with B."""
        first = cache.register(operands[0], operands)
        if self.statement.combine == "copy":
            return first
        self._apply(self.statement.combine, self.temporary, first, operands[1], cache, operands, self.lanes)
        return self.temporary

    def _apply(
        self,
        operation: str,
        register: int,
        source: int,
        operand: Operand,
        cache: OperandCache,
        needed: tuple[Operand, ...],
        lanes: int,
    ) -> None:
        """`register = source operation operand`; the operand comes from memory if this is its only use."""
        if self._foldable(cache, operand):
            position, offset, _ = operand
            access = self.plan.inputs[position].access
            self.vectors.operate_memory(operation, register, source, INPUTS[position], offset, access, lanes)
        else:
            self.vectors.operate(operation, register, source, cache.register(operand, needed), lanes)

    def _foldable(self, cache: OperandCache, operand: Operand) -> bool:
        position, _, lanes = operand
        return lanes == self.lanes and self.foldable_inputs[position] and cache.used_once(operand)

    def _load(self, register: int, operand: Operand) -> None:
        position, offset, lanes = operand
        self._load_vector(register, 1 + position, offset, lanes)

    def _load_vector(self, register: int, position: int, offset: int, lanes: int) -> None:
        """Load from the tensor at this position among the arguments."""
        tensor, base = self.plan.tensors[position], POINTERS[position]
        if tensor.access is Access.BROADCAST:
            self.vectors.broadcast(register, base, offset)
        elif tensor.access is Access.PACKED:
            self.vectors.load(register, base, offset, lanes)
        else:
            self.vectors.gather(register, base, self.lane_offsets[tensor.stride[self.plan.vector]], offset, lanes)

    def _store(self, register: int, c: int, lanes: int) -> None:
        if self.plan.output.access is Access.PACKED:
            self.vectors.store(register, OUTPUT, c, lanes)
        else:
            stride = self.plan.output.stride[self.plan.vector]
            self.vectors.scatter(register, OUTPUT, self.lane_offsets[stride], stride, c, lanes)
