"""Vector instructions with the VEX prefix: AVX2 and FMA.

Encodings are from the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, section 2.3 (VEX),
always in its form of three bytes. Registers are plain numbers, as in the encodings. Every function gives the bytes of
one instruction; `source` is the second operand in Intel's order, 0 where the instruction has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rllib_envs.loop_nest.backend.x86 import (
    MAP_0F,
    MAP_0F3A,
    MAP_0F38,
    NO_PREFIX,
    PREFIX_66,
    PREFIX_F3,
    RSP,
    SIGNED_BYTE,
    displacement_bytes,
)

XMM, YMM = 0, 1
"""Vector length, as the field L of VEX has it: 128 and 256 bits."""


@dataclass(frozen=True, eq=False)  # compared and hashed by identity, which keeps the memoised look-ups fast
class Vex:
    """An instruction with a VEX prefix."""

    map: int
    """Opcode map."""
    prefix: int
    """Mandatory prefix."""
    opcode: int
    length: int = YMM


VMOVUPS_LOAD = Vex(MAP_0F, NO_PREFIX, 0x10)
VMOVUPS_STORE = Vex(MAP_0F, NO_PREFIX, 0x11)
VMOVUPS_STORE_128 = Vex(MAP_0F, NO_PREFIX, 0x11, XMM)
VMOVLPS_STORE = Vex(MAP_0F, NO_PREFIX, 0x13, XMM)
VMOVSS_LOAD = Vex(MAP_0F, PREFIX_F3, 0x10, XMM)
VMOVSS_STORE = Vex(MAP_0F, PREFIX_F3, 0x11, XMM)
VMOVAPS = Vex(MAP_0F, NO_PREFIX, 0x28)
VMASKMOVPS_LOAD = Vex(MAP_0F38, PREFIX_66, 0x2C)
VBROADCASTSS = Vex(MAP_0F38, PREFIX_66, 0x18)
VGATHERDPS = Vex(MAP_0F38, PREFIX_66, 0x92)
VFMADD231PS = Vex(MAP_0F38, PREFIX_66, 0xB8)
VADDPS = Vex(MAP_0F, NO_PREFIX, 0x58)
VMULPS = Vex(MAP_0F, NO_PREFIX, 0x59)
VSUBPS = Vex(MAP_0F, NO_PREFIX, 0x5C)
VMINPS = Vex(MAP_0F, NO_PREFIX, 0x5D)
VMAXPS = Vex(MAP_0F, NO_PREFIX, 0x5F)
VXORPS = Vex(MAP_0F, NO_PREFIX, 0x57)
VPCMPEQD = Vex(MAP_0F, PREFIX_66, 0x76)
VSHUFPS = Vex(MAP_0F, NO_PREFIX, 0xC6)
VBLENDPS = Vex(MAP_0F3A, PREFIX_66, 0x0C)
VEXTRACTPS = Vex(MAP_0F3A, PREFIX_66, 0x17, XMM)
VEXTRACTF128 = Vex(MAP_0F3A, PREFIX_66, 0x19)


def memory(op: Vex, reg: int, source: int, base: int, displacement: int) -> bytes:
    """`op reg, source, [base + displacement]`."""
    short, long = _memory_forms(op, reg, source, base)
    if -128 <= displacement < 128:
        return short + SIGNED_BYTE[displacement]
    return long + displacement_bytes(displacement)


@cache  # finite: instructions x registers x lengths
def register(op: Vex, reg: int, source: int, rm: int, length: int = -1) -> bytes:
    """`op reg, source, rm` on registers, of the instruction's own length unless another is given."""
    return _vex(op, reg, source, 0, rm >> 3, op.length if length < 0 else length) + _registers(reg, rm)


def with_constant(op: Vex, reg: int, source: int, rm: int, constant: int, length: int = -1) -> bytes:
    """`op reg, source, rm, constant` on registers."""
    return register(op, reg, source, rm, length) + bytes((constant,))


def extract_half(reg: int, rm: int) -> bytes:
    """`vextractf128 reg, rm, 1`: the upper four lanes of `rm`."""
    return with_constant(VEXTRACTF128, rm, 0, reg, 1)


def store_lane(reg: int, lane: int, base: int, displacement: int) -> bytes:
    """`vextractps [base + displacement], reg, lane`: store one of the first four lanes."""
    return memory(VEXTRACTPS, reg, 0, base, displacement) + bytes((lane,))


def gather(reg: int, mask: int, base: int, index: int, displacement: int) -> bytes:
    """`vgatherdps reg, [base + index vector + displacement], mask`; clears `mask`. The three vectors must differ."""
    prefix = _vex(VGATHERDPS, reg, mask, index >> 3, base >> 3, YMM)
    operands = bytes((0x80 | (reg & 7) << 3 | 4, (index & 7) << 3 | base & 7))
    return prefix + operands + displacement_bytes(displacement)


def load_literal(reg: int) -> bytes:
    """`vmovups reg, [rip + displacement]` without the displacement."""
    return _vex(VMOVUPS_LOAD, reg, 0, 0, 0, YMM) + bytes(((reg & 7) << 3 | 5,))


def _vex(op: Vex, reg: int, source: int, x: int, b: int, length: int) -> bytes:
    """Prefix and opcode. `x` and `b` are the extension bits X and B, not inverted yet."""
    extensions = (~reg & 8) << 4 | (x ^ 1) << 6 | (b ^ 1) << 5 | op.map
    return bytes((0xC4, extensions, (~source & 15) << 3 | length << 2 | op.prefix, op.opcode))


@cache
def _memory_forms(op: Vex, reg: int, source: int, base: int) -> tuple[bytes, bytes]:
    """The instruction without its displacement, which has one byte or four."""
    prefix = _vex(op, reg, source, 0, base >> 3, op.length)
    operands = (reg & 7) << 3 | base & 7
    sib = b"\x24" if base & 7 == RSP else b""  # this base number announces a SIB byte: no index, base alone
    return prefix + bytes((0x40 | operands,)) + sib, prefix + bytes((0x80 | operands,)) + sib


def _registers(reg: int, rm: int) -> bytes:
    return bytes((0xC0 | (reg & 7) << 3 | rm & 7,))
