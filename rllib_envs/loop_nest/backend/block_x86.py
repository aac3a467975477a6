"""Write the straight-line block of a plan, and the loads and stores of its C vectors."""

from __future__ import annotations

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.block import Operation, block_operations, held_vectors
from rllib_envs.loop_nest.backend.operands_x86 import Operand, OperandCache
from rllib_envs.loop_nest.backend.plan import Access, Plan, vector_tails
from rllib_envs.loop_nest.statement import Statement

LANES = 16
REGISTERS = 32

OUTPUT = x86.RDI
INPUTS = (x86.RSI, x86.RDX)
VISITS = x86.R15
"""Iterations of outer reduction loops done so far; 0 while a C vector has no value yet."""

TAIL_MASKS = (1, 2, 3, 4)
"""Mask registers that keep the lanes of up to four tails."""
LANE_MASK = 5
"""Scratch: used up by gathers and scatters."""
OTHER_MASK = 6
"""Scratch: any further tail, or a combination of masks."""
VISITED_MASK = 7
"""All lanes when C already has a value, none otherwise."""

COMBINE = {
    "multiply": x86.VMULPS,
    "add": x86.VADDPS,
    "subtract": x86.VSUBPS,
    "max": x86.VMAXPS,
    "min": x86.VMINPS,
}
REDUCE = {"add": x86.VADDPS, "max": x86.VMAXPS, "min": x86.VMINPS}
IDENTITY = {"max": 0xFF800000, "min": 0x7F800000}
"""float32 bits that a reduction starts from: minus infinity, infinity. A sum starts from cleared bits."""


class BlockEmitter:
    """Writes everything inside the loops. Accumulators live from load_accumulators to store_accumulators."""

    def __init__(self, assembler: x86.Assembler, statement: Statement, plan: Plan) -> None:
        self.assembler = assembler
        self.statement = statement
        self.plan = plan
        self.fused = (statement.combine, statement.reduce) == ("multiply", "add")
        outer = {loop.var for loop in plan.loops[: plan.hold]}
        self.counts_visits = statement.reduce != "none" and not outer <= plan.output.stride.keys()
        """Whether C vectors are left and met again, so have to be loaded."""
        self._accumulators: dict[int, list[int]] = {}
        self._held: dict[int, int] = {}
        self._assign_registers()

    def _assign_registers(self) -> None:
        """Vector registers: lane offsets, identity, temporary, accumulators; operands take the rest."""
        tensors = (self.plan.output, *self.plan.inputs)
        strided = sorted({t.stride[self.plan.vector] for t in tensors if t.access is Access.STRIDED})
        self.lane_offsets = {stride: register for register, stride in enumerate(strided)}
        free = iter(range(len(strided), REGISTERS))
        self.identity = next(free) if self.statement.reduce in IDENTITY else -1
        self.temporary = -1 if self.fused else next(free)
        self.accumulator_registers = [next(free) for _ in range(self.plan.held * self.plan.accumulators)]
        self.operand_registers = list(free)
        assert len(self.operand_registers) >= 2, "the plan leaves no registers for the operands"

    def prologue(self) -> None:
        """Set the registers that stay the same in the whole kernel."""
        extent = self.statement.size[self.plan.vector]
        for stride, register in self.lane_offsets.items():
            reachable = min(LANES, extent)  # offsets of lanes that are never used must still fit 32 bits
            offsets = [stride * min(lane, reachable - 1) for lane in range(LANES)]
            self.assembler.literal(register, b"".join(offset.to_bytes(4, "little") for offset in offsets))
        if self.identity >= 0:
            self.assembler.literal(self.identity, IDENTITY[self.statement.reduce].to_bytes(4, "little") * LANES)
        if self.counts_visits:
            self.assembler.set(VISITS, 0)
        tails = vector_tails(self.plan, extent, LANES)
        self.tail_masks = dict(zip(tails, TAIL_MASKS, strict=False))
        for tail, mask in self.tail_masks.items():
            self._set_mask(mask, tail)

    # Accumulators

    def load_accumulators(self, extents: dict[str, int]) -> None:
        """Set the registers of each C vector: to the value that C has, or the start of the reduction."""
        if self.statement.reduce == "none":
            return
        self._held = held_vectors(self.plan, extents, LANES)
        registers = iter(self.accumulator_registers)
        self._accumulators = {c: [next(registers) for _ in range(self.plan.accumulators)] for c in self._held}
        for accumulators in self._accumulators.values():
            for register in accumulators:
                self._start(register)
        if self.counts_visits and self.plan.output.access is not Access.BROADCAST:
            self._set_visited_mask()
            for c, lanes in self._held.items():
                self._load_visited(self._accumulators[c][0], c, lanes)

    def store_accumulators(self) -> None:
        """Reduce the accumulators of each C vector to one and write it."""
        if self.statement.reduce == "none":
            return
        op = REDUCE[self.statement.reduce]
        for accumulators in self._accumulators.values():
            while len(accumulators) > 1:
                half = (len(accumulators) + 1) // 2
                for left, right in zip(accumulators, accumulators[half:], strict=False):
                    self.assembler.register(op, left, left, right)
                del accumulators[half:]
        if self.plan.output.access is Access.BROADCAST:
            self._store_sums(op)
        else:
            for c, lanes in self._held.items():
                self._store(self._accumulators[c][0], c, lanes)

    def _start(self, register: int) -> None:
        if self.identity >= 0:
            self.assembler.register(x86.VMOVAPS, register, 0, self.identity)
        else:
            self.assembler.clear(register)

    def _set_visited_mask(self) -> None:
        self.assembler.all_ones_if_nonzero(x86.RAX, VISITS)
        self.assembler.mask_from_general(VISITED_MASK, x86.RAX)

    def _load_visited(self, register: int, c: int, lanes: int) -> None:
        """Load a C vector where it has a value; the other lanes keep the start of the reduction."""
        mask = VISITED_MASK
        if lanes < LANES:
            self.assembler.mask_and(OTHER_MASK, VISITED_MASK, self._mask(lanes))
            mask = OTHER_MASK
        if self.plan.output.access is Access.PACKED:
            self.assembler.memory(x86.VMOVUPS_LOAD, register, 0, OUTPUT, c, mask=mask)
        else:
            self.assembler.mask_copy(LANE_MASK, mask)
            index = self.lane_offsets[self.plan.output.stride[self.plan.vector]]
            self.assembler.indexed(x86.VGATHERDPS, register, OUTPUT, index, c, LANE_MASK)

    def _store_sums(self, op: x86.Evex) -> None:
        """Reduce the lanes of each accumulator to one value, halving the vector each time, and write it."""
        assembler = self.assembler
        other, stored = self.operand_registers[:2]
        if self.counts_visits:
            self._set_visited_mask()
        for c in self._held:
            register = self._accumulators[c][0]
            assembler.extract(x86.VEXTRACTF64X4, other, register, 1, x86.ZMM)
            assembler.register(op, register, register, other, length=x86.YMM)
            assembler.extract(x86.VEXTRACTF32X4, other, register, 1, x86.YMM)
            assembler.register(op, register, register, other, length=x86.XMM)
            for selector in (0b01_00_11_10, 0b10_11_00_01):  # swap the halves, then the neighbours
                assembler.shuffle(other, register, register, selector)
                assembler.register(op, register, register, other, length=x86.XMM)
            if self.counts_visits:
                self._start(stored)  # what stays where the mask is empty
                assembler.memory(x86.VMOVSS_LOAD, stored, 0, OUTPUT, c, mask=VISITED_MASK)
                assembler.register(op, register, register, stored, length=x86.XMM)
            assembler.memory(x86.VMOVSS_STORE, register, 0, OUTPUT, c)

    # The block

    def operations(self, extents: dict[str, int]) -> None:
        """All operations of the block, with the accumulators of each C vector taking turns."""
        operations = block_operations(self.plan, extents, LANES)
        cache = OperandCache(self._load, self.operand_registers)
        for operation in operations:
            cache.announce(self._operands(operation))
        cache.start()
        turn = dict.fromkeys(self._accumulators, 0)
        for operation in operations:
            c, _, _, lanes = operation
            operands = self._operands(operation)
            if self.statement.reduce == "none":
                self._store(self._combine(cache, operands), c, lanes)
            else:
                accumulators = self._accumulators[c]
                accumulator = accumulators[turn[c] % len(accumulators)]
                turn[c] += 1
                self._accumulate(cache, operands, accumulator, lanes)
            cache.release(operands)

    def _operands(self, operation: Operation) -> tuple[Operand, ...]:
        """What an operation reads. Only a gather depends on the lanes; other loads read whole vectors."""
        _, a, b, lanes = operation
        return tuple(
            (position, offset, lanes if tensor.access is Access.STRIDED else LANES)
            for position, (tensor, offset) in enumerate(zip(self.plan.inputs, (a, b), strict=False))
        )

    def _accumulate(self, cache: OperandCache, operands: tuple[Operand, ...], accumulator: int, lanes: int) -> None:
        # Lanes beyond a tail hold arbitrary values. They are not stored, but a sum must not meet them.
        sums_lanes = self.plan.output.access is Access.BROADCAST
        mask = self._mask(lanes) if sums_lanes and lanes < LANES else 0
        if self.fused:
            first, second = operands
            if self._foldable(cache, first) and not self._foldable(cache, second):
                first, second = second, first
            self._apply(x86.VFMADD231PS, accumulator, cache.register(first, operands), second, cache, operands, mask)
        elif self.statement.combine == "copy":
            op = REDUCE[self.statement.reduce]
            self._apply(op, accumulator, accumulator, operands[0], cache, operands, mask)
        else:
            combined = self._combine(cache, operands)
            self.assembler.register(REDUCE[self.statement.reduce], accumulator, accumulator, combined, mask)

    def _combine(self, cache: OperandCache, operands: tuple[Operand, ...]) -> int:
        """The register that has A combined with B."""
        first = cache.register(operands[0], operands)
        if self.statement.combine == "copy":
            return first
        self._apply(COMBINE[self.statement.combine], self.temporary, first, operands[1], cache, operands, 0)
        return self.temporary

    def _apply(
        self,
        op: x86.Evex,
        register: int,
        source: int,
        operand: Operand,
        cache: OperandCache,
        needed: tuple[Operand, ...],
        mask: int,
    ) -> None:
        """`op register{mask}, source, operand`; the operand comes from memory if this is its only use."""
        if self._foldable(cache, operand):
            position, offset, _ = operand
            broadcast = self.plan.inputs[position].access is Access.BROADCAST
            self.assembler.memory(op, register, source, INPUTS[position], offset, broadcast, mask)
        else:
            self.assembler.register(op, register, source, cache.register(operand, needed), mask)

    def _foldable(self, cache: OperandCache, operand: Operand) -> bool:
        return self.plan.inputs[operand[0]].access is not Access.STRIDED and cache.used_once(operand)

    def _load(self, register: int, operand: Operand) -> None:
        position, offset, lanes = operand
        tensor, base = self.plan.inputs[position], INPUTS[position]
        if tensor.access is Access.BROADCAST:
            self.assembler.memory(x86.VBROADCASTSS, register, 0, base, offset)
        elif tensor.access is Access.PACKED:
            self.assembler.memory(x86.VMOVUPS_LOAD, register, 0, base, offset)
        else:
            self.assembler.clear(register)  # a gather merges into its register; this cuts the dependency
            self._set_lane_mask(lanes)
            index = self.lane_offsets[tensor.stride[self.plan.vector]]
            self.assembler.indexed(x86.VGATHERDPS, register, base, index, offset, LANE_MASK)

    def _store(self, register: int, c: int, lanes: int) -> None:
        if self.plan.output.access is Access.PACKED:
            mask = self._mask(lanes) if lanes < LANES else 0
            self.assembler.memory(x86.VMOVUPS_STORE, register, 0, OUTPUT, c, mask=mask)
        else:
            self._set_lane_mask(lanes)
            index = self.lane_offsets[self.plan.output.stride[self.plan.vector]]
            self.assembler.indexed(x86.VSCATTERDPS, register, OUTPUT, index, c, LANE_MASK)

    # Masks

    def _mask(self, lanes: int) -> int:
        """A mask register with the first `lanes` lanes, valid until the next call."""
        if lanes in self.tail_masks:
            return self.tail_masks[lanes]
        self._set_mask(OTHER_MASK, lanes)
        return OTHER_MASK

    def _set_lane_mask(self, lanes: int) -> None:
        if lanes == LANES:
            self.assembler.mask_all(LANE_MASK)
        else:
            self.assembler.mask_copy(LANE_MASK, self._mask(lanes))

    def _set_mask(self, mask: int, lanes: int) -> None:
        self.assembler.set(x86.RAX, (1 << lanes) - 1)
        self.assembler.mask_from_general(mask, x86.RAX)
