"""Vector instructions with the EVEX prefix: AVX-512.

Encodings are from the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, section 2.7 (EVEX
and its compressed displacement). Registers are plain numbers, as in the encodings. Every function gives the bytes of
one instruction; `source` is the second operand in Intel's order, 0 where the instruction has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

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

XMM, YMM, ZMM = 0, 1, 2
"""Vector length, as the field L'L of EVEX has it: 128, 256 and 512 bits."""

VECTOR_BYTES = 64
SCALAR_BYTES = 4


@dataclass(frozen=True, eq=False)  # compared and hashed by identity, which keeps the memoised look-ups fast
class Evex:
    """An instruction with an EVEX prefix."""

    map: int
    """Opcode map."""
    prefix: int
    """Mandatory prefix."""
    opcode: int
    wide: int = 0
    """EVEX.W."""
    operand_bytes: int = VECTOR_BYTES
    """Size of the memory operand at 512 bits; displacements that are multiples of it take one byte."""


VMOVUPS_LOAD = Evex(MAP_0F, NO_PREFIX, 0x10)
VMOVUPS_STORE = Evex(MAP_0F, NO_PREFIX, 0x11)
VMOVAPS = Evex(MAP_0F, NO_PREFIX, 0x28)
VMOVSS_LOAD = Evex(MAP_0F, PREFIX_F3, 0x10, operand_bytes=SCALAR_BYTES)
VMOVSS_STORE = Evex(MAP_0F, PREFIX_F3, 0x11, operand_bytes=SCALAR_BYTES)
VBROADCASTSS = Evex(MAP_0F38, PREFIX_66, 0x18, operand_bytes=SCALAR_BYTES)
VGATHERDPS = Evex(MAP_0F38, PREFIX_66, 0x92, operand_bytes=SCALAR_BYTES)
VSCATTERDPS = Evex(MAP_0F38, PREFIX_66, 0xA2, operand_bytes=SCALAR_BYTES)
VFMADD231PS = Evex(MAP_0F38, PREFIX_66, 0xB8)
VADDPS = Evex(MAP_0F, NO_PREFIX, 0x58)
VMULPS = Evex(MAP_0F, NO_PREFIX, 0x59)
VSUBPS = Evex(MAP_0F, NO_PREFIX, 0x5C)
VMINPS = Evex(MAP_0F, NO_PREFIX, 0x5D)
VMAXPS = Evex(MAP_0F, NO_PREFIX, 0x5F)
VPXORD = Evex(MAP_0F, PREFIX_66, 0xEF)
VSHUFPS = Evex(MAP_0F, NO_PREFIX, 0xC6)
VEXTRACTF64X4 = Evex(MAP_0F3A, PREFIX_66, 0x1B, wide=1)
VEXTRACTF32X4 = Evex(MAP_0F3A, PREFIX_66, 0x19)


class _MemoryForms(NamedTuple):
    """An instruction with operand [base + displacement], complete but for the displacement."""

    short: bytes
    """For a displacement of one byte, counted in `scale`."""
    long: bytes
    """For a displacement of four bytes, counted in bytes."""
    scale: int


def _evex(
    op: Evex,
    reg: int,
    source: int,
    x: int,
    b: int,
    v: int,
    length: int,
    broadcast: bool,
    mask: int,
    zero: bool,
) -> bytes:
    """Prefix and opcode. `x`, `b` and `v` are the extension bits X, B and V', not inverted yet."""
    p0 = (~reg & 8) << 4 | (x ^ 1) << 6 | (b ^ 1) << 5 | (~reg & 16) | op.map
    p1 = op.wide << 7 | (~source & 15) << 3 | 1 << 2 | op.prefix
    p2 = zero << 7 | length << 5 | broadcast << 4 | (v ^ 1) << 3 | mask
    return bytes((0x62, p0, p1, p2, op.opcode))


@cache  # finite: instructions x registers x masks in use
def _memory_forms(op: Evex, reg: int, source: int, base: int, broadcast: bool, mask: int, zero: bool) -> _MemoryForms:
    scale = SCALAR_BYTES if broadcast else op.operand_bytes
    length = XMM if op in (VMOVSS_LOAD, VMOVSS_STORE) else ZMM
    prefix = _evex(op, reg, source, 0, base >> 3, source >> 4, length, broadcast, mask, zero)
    operands = (reg & 7) << 3 | base & 7
    sib = b"\x24" if base & 7 == RSP else b""  # this base number announces a SIB byte: no index, base alone
    return _MemoryForms(prefix + bytes((0x40 | operands,)) + sib, prefix + bytes((0x80 | operands,)) + sib, scale)


@cache
def _register_form(op: Evex, reg: int, source: int, rm: int, mask: int, zero: bool, length: int) -> bytes:
    prefix = _evex(op, reg, source, rm >> 4, rm >> 3 & 1, source >> 4, length, False, mask, zero)
    return prefix + bytes((0xC0 | (reg & 7) << 3 | rm & 7,))


def memory(
    op: Evex,
    reg: int,
    source: int,
    base: int,
    displacement: int,
    broadcast: bool = False,
    mask: int = 0,
    zero: bool = False,
) -> bytes:
    """`op reg{mask}{z}, source, [base + displacement]`; `broadcast` reads one float into all lanes."""
    forms = _memory_forms(op, reg, source, base, broadcast, mask, zero)
    scaled, remainder = divmod(displacement, forms.scale)
    if remainder == 0 and -128 <= scaled < 128:
        return forms.short + SIGNED_BYTE[scaled]
    return forms.long + displacement_bytes(displacement)


def register(op: Evex, reg: int, source: int, rm: int, mask: int = 0, zero: bool = False, length: int = ZMM) -> bytes:
    """`op reg{mask}{z}, source, rm` on registers."""
    return _register_form(op, reg, source, rm, mask, zero, length)


def shuffle(reg: int, source: int, rm: int, selector: int) -> bytes:
    """`vshufps reg, source, rm, selector` on 128 bits."""
    return _register_form(VSHUFPS, reg, source, rm, 0, False, XMM) + bytes((selector,))


def extract(op: Evex, reg: int, rm: int, part: int, length: int) -> bytes:
    """`op reg, rm, part`: copy one part of the longer vector `rm` (of `length`) into `reg`."""
    return _register_form(op, rm, 0, reg, 0, False, length) + bytes((part,))


def indexed(op: Evex, reg: int, base: int, index: int, displacement: int, mask: int) -> bytes:
    """Gather or scatter `reg{mask}` at [base + index vector + displacement]; clears the mask register."""
    prefix = _evex(op, reg, 0, index >> 3 & 1, base >> 3, index >> 4, ZMM, False, mask, False)
    operands = bytes((0x80 | (reg & 7) << 3 | 4, (index & 7) << 3 | base & 7))
    return prefix + operands + displacement_bytes(displacement)


def load_literal(reg: int) -> bytes:
    """`vmovups reg, [rip + displacement]` without the displacement."""
    return _evex(VMOVUPS_LOAD, reg, 0, 0, 0, 0, ZMM, False, 0, False) + bytes(((reg & 7) << 3 | 5,))


# Mask registers


def mask_from_general(mask: int, reg: int) -> bytes:
    """`kmovw mask, reg`, for the first eight general registers."""
    return bytes((0xC5, 0xF8, 0x92, 0xC0 | mask << 3 | reg))


def mask_copy(mask: int, other: int) -> bytes:
    """`kmovw mask, other`."""
    return bytes((0xC5, 0xF8, 0x90, 0xC0 | mask << 3 | other))


def mask_all(mask: int) -> bytes:
    """`kxnorw mask, mask, mask`: all sixteen lanes."""
    return bytes((0xC5, 0x84 | (~mask & 15) << 3, 0x46, 0xC0 | mask << 3 | mask))
