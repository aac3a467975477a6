"""AVX2 with FMA: vectors of eight lanes and no mask registers.

What a mask would do is done in other ways: stores of a few lanes are pieces of four, two and one; arithmetic on a few
lanes is blended with the old value; and loads take their mask from a vector register that no plan may use.
"""

from __future__ import annotations

from rllib_envs.loop_nest.backend import vex
from rllib_envs.loop_nest.backend.isa import SWAPS, InstructionSet
from rllib_envs.loop_nest.backend.plan import FLOAT_BYTES, Access, Target

LANES = 8
HALF = LANES // 2
"""Lanes of an xmm register, which is what extractions and scalar stores work on."""
SCRATCH = 15
"""The vector register for masks and for pieces of others."""

OPERATIONS = {
    "fused": vex.VFMADD231PS,
    "multiply": vex.VMULPS,
    "add": vex.VADDPS,
    "subtract": vex.VSUBPS,
    "max": vex.VMAXPS,
    "min": vex.VMINPS,
}


class Avx2(InstructionSet):
    name = "avx2"
    target = Target(lanes=LANES, registers=SCRATCH)
    foldable = frozenset({Access.PACKED})

    def prepare(self, tails: tuple[int, ...]) -> None:
        """Nothing: a register for each tail's mask would be missing elsewhere."""

    def clear(self, reg: int) -> None:
        self.assembler.emit(vex.register(vex.VXORPS, reg, reg, reg))

    def copy(self, reg: int, source: int) -> None:
        self.assembler.emit(vex.register(vex.VMOVAPS, reg, 0, source))

    def literal(self, reg: int, lanes: list[int]) -> None:
        self.assembler.literal(vex.load_literal(reg), b"".join(lane.to_bytes(4, "little") for lane in lanes))

    def load(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        if lanes == LANES:
            self.assembler.emit(vex.memory(vex.VMOVUPS_LOAD, reg, 0, base, displacement))
        else:
            self._set_mask(lanes)
            self.assembler.emit(vex.memory(vex.VMASKMOVPS_LOAD, reg, SCRATCH, base, displacement))

    def broadcast(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(vex.memory(vex.VBROADCASTSS, reg, 0, base, displacement))

    def gather(self, reg: int, base: int, index: int, displacement: int, lanes: int) -> None:
        self.clear(reg)  # a gather merges into its register; this cuts the dependency
        self._set_mask(lanes)
        self.assembler.emit(vex.gather(reg, SCRATCH, base, index, displacement))

    def store(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        emit = self.assembler.emit
        if lanes == LANES:
            emit(vex.memory(vex.VMOVUPS_STORE, reg, 0, base, displacement))
            return
        if lanes >= HALF:
            emit(vex.memory(vex.VMOVUPS_STORE_128, reg, 0, base, displacement))
            if lanes > HALF:
                emit(vex.extract_half(SCRATCH, reg))
            reg, displacement, lanes = SCRATCH, displacement + HALF * FLOAT_BYTES, lanes - HALF
        if lanes >= 2:
            emit(vex.memory(vex.VMOVLPS_STORE, reg, 0, base, displacement))
        if lanes % 2:
            self._store_lane(reg, lanes - 1, base, displacement + (lanes - 1) * FLOAT_BYTES)

    def scatter(self, reg: int, base: int, index: int, stride: int, displacement: int, lanes: int) -> None:
        for lane in range(lanes):
            if lane == HALF:
                self.assembler.emit(vex.extract_half(SCRATCH, reg))
                reg = SCRATCH
            self._store_lane(reg, lane % HALF, base, displacement + lane * stride)

    def operate(self, operation: str, reg: int, source: int, operand: int, lanes: int) -> None:
        self._keep(reg, lanes)
        self.assembler.emit(vex.register(OPERATIONS[operation], reg, source, operand))
        self._restore(reg, lanes)

    def operate_memory(
        self, operation: str, reg: int, source: int, base: int, displacement: int, access: Access, lanes: int
    ) -> None:
        self._keep(reg, lanes)
        self.assembler.emit(vex.memory(OPERATIONS[operation], reg, source, base, displacement))
        self._restore(reg, lanes)

    def reduce_lanes(self, operation: str, reg: int, other: int) -> None:
        emit, op = self.assembler.emit, OPERATIONS[operation]
        emit(vex.extract_half(other, reg))
        emit(vex.register(op, reg, reg, other, vex.XMM))
        for selector in SWAPS:
            emit(vex.with_constant(vex.VSHUFPS, other, reg, reg, selector, vex.XMM))
            emit(vex.register(op, reg, reg, other, vex.XMM))

    def load_one(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(vex.memory(vex.VMOVSS_LOAD, reg, 0, base, displacement))

    def store_one(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(vex.memory(vex.VMOVSS_STORE, reg, 0, base, displacement))

    # The scratch register

    def _set_mask(self, lanes: int) -> None:
        """All bits of the first lanes; loads and gathers look at the highest bit of each lane."""
        if lanes == LANES:
            self.assembler.emit(vex.register(vex.VPCMPEQD, SCRATCH, SCRATCH, SCRATCH))
        else:
            self.literal(SCRATCH, [0xFFFFFFFF] * lanes + [0] * (LANES - lanes))

    def _keep(self, reg: int, lanes: int) -> None:
        if lanes < LANES:
            self.copy(SCRATCH, reg)

    def _restore(self, reg: int, lanes: int) -> None:
        if lanes < LANES:
            self.assembler.emit(vex.with_constant(vex.VBLENDPS, reg, SCRATCH, reg, (1 << lanes) - 1))

    def _store_lane(self, reg: int, lane: int, base: int, displacement: int) -> None:
        """Store one of the first four lanes."""
        if lane == 0:
            self.store_one(reg, base, displacement)
        else:
            self.assembler.emit(vex.store_lane(reg, lane, base, displacement))
