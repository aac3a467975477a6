"""AVX-512: vectors of sixteen lanes, and mask registers that choose among them."""

from __future__ import annotations

from rllib_envs.loop_nest.backend import evex, x86
from rllib_envs.loop_nest.backend.isa import SWAPS, InstructionSet
from rllib_envs.loop_nest.backend.plan import Access, Target

LANES = 16
TAIL_MASKS = (1, 2, 3, 4)
"""Mask registers that keep the lanes of up to four tails."""
LANE_MASK = 5
"""Scratch: used up by gathers and scatters."""
OTHER_MASK = 6
"""Scratch: any further tail."""

OPERATIONS = {
    "fused": evex.VFMADD231PS,
    "multiply": evex.VMULPS,
    "add": evex.VADDPS,
    "subtract": evex.VSUBPS,
    "max": evex.VMAXPS,
    "min": evex.VMINPS,
}


class Avx512(InstructionSet):
    name = "avx512"
    target = Target(lanes=LANES, registers=32)
    foldable = frozenset({Access.PACKED, Access.BROADCAST})

    def prepare(self, tails: tuple[int, ...]) -> None:
        self._tail_masks = dict(zip(tails, TAIL_MASKS, strict=False))
        for tail, mask in self._tail_masks.items():
            self._set_mask(mask, tail)

    def clear(self, reg: int) -> None:
        self.assembler.emit(evex.register(evex.VPXORD, reg, reg, reg))

    def copy(self, reg: int, source: int) -> None:
        self.assembler.emit(evex.register(evex.VMOVAPS, reg, 0, source))

    def literal(self, reg: int, lanes: list[int]) -> None:
        self.assembler.literal(evex.load_literal(reg), b"".join(lane.to_bytes(4, "little") for lane in lanes))

    def load(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        mask = self._mask(lanes)
        self.assembler.emit(evex.memory(evex.VMOVUPS_LOAD, reg, 0, base, displacement, mask=mask, zero=mask > 0))

    def broadcast(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(evex.memory(evex.VBROADCASTSS, reg, 0, base, displacement))

    def gather(self, reg: int, base: int, index: int, displacement: int, lanes: int) -> None:
        self.clear(reg)  # a gather merges into its register; this cuts the dependency
        self._set_lane_mask(lanes)
        self.assembler.emit(evex.indexed(evex.VGATHERDPS, reg, base, index, displacement, LANE_MASK))

    def store(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        self.assembler.emit(evex.memory(evex.VMOVUPS_STORE, reg, 0, base, displacement, mask=self._mask(lanes)))

    def scatter(self, reg: int, base: int, index: int, stride: int, displacement: int, lanes: int) -> None:
        self._set_lane_mask(lanes)
        self.assembler.emit(evex.indexed(evex.VSCATTERDPS, reg, base, index, displacement, LANE_MASK))

    def operate(self, operation: str, reg: int, source: int, operand: int, lanes: int) -> None:
        self.assembler.emit(evex.register(OPERATIONS[operation], reg, source, operand, self._mask(lanes)))

    def operate_memory(
        self, operation: str, reg: int, source: int, base: int, displacement: int, access: Access, lanes: int
    ) -> None:
        broadcast, mask = access is Access.BROADCAST, self._mask(lanes)
        self.assembler.emit(evex.memory(OPERATIONS[operation], reg, source, base, displacement, broadcast, mask))

    def reduce_lanes(self, operation: str, reg: int, other: int) -> None:
        emit, op = self.assembler.emit, OPERATIONS[operation]
        emit(evex.extract(evex.VEXTRACTF64X4, other, reg, 1, evex.ZMM))
        emit(evex.register(op, reg, reg, other, length=evex.YMM))
        emit(evex.extract(evex.VEXTRACTF32X4, other, reg, 1, evex.YMM))
        emit(evex.register(op, reg, reg, other, length=evex.XMM))
        for selector in SWAPS:
            emit(evex.shuffle(other, reg, reg, selector))
            emit(evex.register(op, reg, reg, other, length=evex.XMM))

    def load_one(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(evex.memory(evex.VMOVSS_LOAD, reg, 0, base, displacement))

    def store_one(self, reg: int, base: int, displacement: int) -> None:
        self.assembler.emit(evex.memory(evex.VMOVSS_STORE, reg, 0, base, displacement))

    # Masks

    def _mask(self, lanes: int) -> int:
        """A mask register with the first `lanes` lanes, valid until the next call; 0, no mask, for all of them."""
        if lanes == LANES:
            return 0
        if lanes in self._tail_masks:
            return self._tail_masks[lanes]
        self._set_mask(OTHER_MASK, lanes)
        return OTHER_MASK

    def _set_lane_mask(self, lanes: int) -> None:
        if lanes == LANES:
            self.assembler.emit(evex.mask_all(LANE_MASK))
        else:
            self.assembler.emit(evex.mask_copy(LANE_MASK, self._mask(lanes)))

    def _set_mask(self, mask: int, lanes: int) -> None:
        self.assembler.set(x86.RAX, (1 << lanes) - 1)
        self.assembler.emit(evex.mask_from_general(mask, x86.RAX))
