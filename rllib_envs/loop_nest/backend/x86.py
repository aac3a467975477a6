"""An assembler for the few x86-64 and AVX-512 instructions that loop nests and their timer need.

Encodings are from the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: the REX prefix
in section 2.2.1, VEX in 2.3, EVEX and its compressed displacement in 2.7. Registers are plain numbers, as in
the encodings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 = range(16)
CALLEE_SAVED = (RBX, RBP, R12, R13, R14, R15)
"""General registers except RSP that a function must give back unchanged (System V AMD64 ABI, 3.2.1)."""

XMM, YMM, ZMM = 0, 1, 2
"""Vector length, as the field L'L of EVEX has it: 128, 256 and 512 bits."""

VECTOR_BYTES = 64
CODE_ALIGNMENT = 16

MAP_0F, MAP_0F38, MAP_0F3A = 1, 2, 3
NO_PREFIX, PREFIX_66, PREFIX_F3 = 0, 1, 2
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

_SIGNED_BYTE = {value: bytes((value & 0xFF,)) for value in range(-128, 128)}
_NO_OPERATION = (  # the recommended multi-byte NOPs (volume 2, NOP), by length
    b"",
    b"\x90",
    b"\x66\x90",
    b"\x0f\x1f\x00",
    b"\x0f\x1f\x40\x00",
    b"\x0f\x1f\x44\x00\x00",
    b"\x66\x0f\x1f\x44\x00\x00",
    b"\x0f\x1f\x80\x00\x00\x00\x00",
    b"\x0f\x1f\x84\x00\x00\x00\x00\x00",
)


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


def _displacement(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


class Assembler:
    """Collects instructions. `size` is the offset in bytes of the next one."""

    def __init__(self) -> None:
        self.size = 0
        self._code: list[bytes] = []
        self._literals: list[tuple[int, bytes]] = []  # (end of the displacement that refers to it, contents)

    def emit(self, code: bytes) -> None:
        """Append bytes that are already encoded."""
        self._code.append(code)
        self.size += len(code)

    def finish(self) -> bytes:
        """The code followed by its literals, each aligned to a cache line."""
        code = bytearray(b"".join(self._code))
        code += b"\xcc" * (-len(code) % VECTOR_BYTES)
        for end, contents in self._literals:
            code[end - 4 : end] = _displacement(len(code) - end)
            code += contents
        return bytes(code)

    # Vector instructions. `source` is the second operand in Intel's order, 0 where the instruction has none.

    def memory(
        self,
        op: Evex,
        reg: int,
        source: int,
        base: int,
        displacement: int,
        broadcast: bool = False,
        mask: int = 0,
        zero: bool = False,
    ) -> None:
        """`op reg{mask}{z}, source, [base + displacement]`; `broadcast` reads one float into all lanes."""
        forms = _memory_forms(op, reg, source, base, broadcast, mask, zero)
        scaled, remainder = divmod(displacement, forms.scale)
        if remainder == 0 and -128 <= scaled < 128:
            self.emit(forms.short + _SIGNED_BYTE[scaled])
        else:
            self.emit(forms.long + _displacement(displacement))

    def register(
        self, op: Evex, reg: int, source: int, rm: int, mask: int = 0, zero: bool = False, length: int = ZMM
    ) -> None:
        """`op reg{mask}{z}, source, rm` on registers."""
        self.emit(_register_form(op, reg, source, rm, mask, zero, length))

    def shuffle(self, reg: int, source: int, rm: int, selector: int) -> None:
        """`vshufps reg, source, rm, selector` on 128 bits."""
        self.emit(_register_form(VSHUFPS, reg, source, rm, 0, False, XMM) + bytes((selector,)))

    def extract(self, op: Evex, reg: int, rm: int, part: int, length: int) -> None:
        """`op reg, rm, part`: copy one part of the longer vector `rm` (of `length`) into `reg`."""
        self.emit(_register_form(op, rm, 0, reg, 0, False, length) + bytes((part,)))

    def indexed(self, op: Evex, reg: int, base: int, index: int, displacement: int, mask: int) -> None:
        """Gather or scatter `reg{mask}` at [base + index vector + displacement]; clears the mask register."""
        prefix = _evex(op, reg, 0, index >> 3 & 1, base >> 3, index >> 4, ZMM, False, mask, False)
        operands = bytes((0x80 | (reg & 7) << 3 | 4, (index & 7) << 3 | base & 7))
        self.emit(prefix + operands + _displacement(displacement))

    def literal(self, reg: int, contents: bytes) -> None:
        """Load 64 bytes that are stored behind the code into a vector register."""
        prefix = _evex(VMOVUPS_LOAD, reg, 0, 0, 0, 0, ZMM, False, 0, False)
        self.emit(prefix + bytes(((reg & 7) << 3 | 5,)) + bytes(4))  # operand [rip + displacement], patched by finish()
        self._literals.append((self.size, contents))

    def clear(self, reg: int) -> None:
        """Set all bits of a vector register to zero."""
        self.register(VPXORD, reg, reg, reg)

    def clear_upper_halves(self) -> None:
        """`vzeroupper`, which code with wide vectors owes to the caller's code with narrow ones."""
        self.emit(b"\xc5\xf8\x77")

    # AVX2, where the timer's peak is all that is needed

    def multiply_add_256(self, reg: int, source: int, rm: int) -> None:
        """`vfmadd231ps reg, source, rm` on 256 bits, with a VEX prefix."""
        self._vex_256(MAP_0F38, PREFIX_66, 0xB8, reg, source, rm)

    def clear_256(self, reg: int) -> None:
        """`vxorps reg, reg, reg` on 256 bits, with a VEX prefix."""
        self._vex_256(MAP_0F, NO_PREFIX, 0x57, reg, reg, reg)

    def _vex_256(self, opcode_map: int, prefix: int, opcode: int, reg: int, source: int, rm: int) -> None:
        extensions = (~reg & 8) << 4 | 1 << 6 | (~rm & 8) << 2 | opcode_map
        operands = 0xC0 | (reg & 7) << 3 | rm & 7
        self.emit(bytes((0xC4, extensions, (~source & 15) << 3 | 1 << 2 | prefix, opcode, operands)))

    # Mask registers

    def mask_from_general(self, mask: int, reg: int) -> None:
        """`kmovw mask, reg`, for the first eight general registers."""
        self.emit(bytes((0xC5, 0xF8, 0x92, 0xC0 | mask << 3 | reg)))

    def mask_copy(self, mask: int, other: int) -> None:
        """`kmovw mask, other`."""
        self.emit(bytes((0xC5, 0xF8, 0x90, 0xC0 | mask << 3 | other)))

    def mask_and(self, mask: int, left: int, right: int) -> None:
        """`kandw mask, left, right`."""
        self.emit(bytes((0xC5, 0x84 | (~left & 15) << 3, 0x41, 0xC0 | mask << 3 | right)))

    def mask_all(self, mask: int) -> None:
        """`kxnorw mask, mask, mask`: all sixteen lanes."""
        self.emit(bytes((0xC5, 0x84 | (~mask & 15) << 3, 0x46, 0xC0 | mask << 3 | mask)))

    # General registers

    def set(self, reg: int, value: int) -> None:
        """`mov reg, value` for 0 <= value < 2**31."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0xB8 | reg & 7,)) + _displacement(value))

    def move(self, reg: int, source: int) -> None:
        """`mov reg, source`, 64 bits."""
        self.emit(bytes((0x48 | source >> 3 << 2 | reg >> 3, 0x89, 0xC0 | (source & 7) << 3 | reg & 7)))

    def add(self, reg: int, value: int) -> None:
        """`add reg, value`, 64 bits."""
        rex, operands = 0x48 | reg >> 3, 0xC0 | reg & 7
        if -128 <= value < 128:
            self.emit(bytes((rex, 0x83, operands)) + _SIGNED_BYTE[value])
        else:
            self.emit(bytes((rex, 0x81, operands)) + _displacement(value))

    def decrement(self, reg: int) -> None:
        """`dec reg`, 32 bits; sets the zero flag."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0xFF, 0xC8 | reg & 7)))

    def all_ones_if_nonzero(self, reg: int, source: int) -> None:
        """`reg = -1 if source else 0`, 32 bits, without a branch."""
        self.emit((b"\x44" if source >= R8 else b"") + bytes((0x89, 0xC0 | (source & 7) << 3 | reg)))  # mov
        self.emit(bytes((0xF7, 0xD8 | reg)))  # neg: carry = nonzero
        self.emit(bytes((0x19, 0xC0 | reg << 3 | reg)))  # sbb reg, reg

    def push(self, reg: int) -> None:
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0x50 | reg & 7,)))

    def pop(self, reg: int) -> None:
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0x58 | reg & 7,)))

    def push_value(self, value: int) -> None:
        """Push a constant, 0 <= value < 2**31."""
        self.emit(b"\x68" + _displacement(value))

    def decrement_top(self) -> None:
        """`sub dword [rsp], 1`; sets the zero flag."""
        self.emit(b"\x83\x2c\x24\x01")

    # Control flow

    def jump_back_if_nonzero(self, target: int) -> None:
        """`jnz` to an earlier offset."""
        near = target - (self.size + 2)
        if near >= -128:
            self.emit(b"\x75" + _SIGNED_BYTE[near])
        else:
            self.emit(b"\x0f\x85" + _displacement(target - (self.size + 6)))

    def call(self, reg: int) -> None:
        """`call reg`."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0xFF, 0xD0 | reg & 7)))

    def ret(self) -> None:
        self.emit(b"\xc3")

    def align(self) -> None:
        """Fill up to the next multiple of CODE_ALIGNMENT with instructions that do nothing."""
        missing = -self.size % CODE_ALIGNMENT
        while missing:
            length = min(missing, len(_NO_OPERATION) - 1)
            self.emit(_NO_OPERATION[length])
            missing -= length

    # Timing

    def time_stamp(self, base: int, displacement: int) -> None:
        """Store the time-stamp counter at [base + displacement]; clobbers RAX, RCX and RDX. `base` is RBP."""
        assert base == RBP
        self.emit(b"\x0f\x01\xf9")  # rdtscp: waits until all earlier instructions have executed
        self.emit(b"\x48\xc1\xe2\x20")  # shl rdx, 32
        self.emit(b"\x48\x09\xd0")  # or rax, rdx
        self.emit(b"\x48\x89\x45" + _SIGNED_BYTE[displacement])  # mov [rbp + displacement], rax

    def square(self, reg: int) -> None:
        """`imul reg, reg`, 64 bits, for the first eight general registers."""
        self.emit(bytes((0x48, 0x0F, 0xAF, 0xC0 | reg << 3 | reg)))
