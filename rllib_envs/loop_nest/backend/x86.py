"""An assembler for the x86-64 instructions that loops, calls and timers are made of.

Encodings are from the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; the REX prefix is
described in section 2.2.1. Registers are plain numbers, as in the encodings. Vector instructions are in `evex.py`
and `vex.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 = range(16)
CALLEE_SAVED = (RBX, RBP, R12, R13, R14, R15)
"""General registers except RSP that a function must give back unchanged (System V AMD64 ABI, 3.2.1)."""

CODE_ALIGNMENT = 16
LITERAL_ALIGNMENT = 64
"""A cache line."""

MAP_0F, MAP_0F38, MAP_0F3A = 1, 2, 3
"""Opcode maps, as the prefixes VEX and EVEX have them."""
NO_PREFIX, PREFIX_66, PREFIX_F3 = 0, 1, 2
"""Mandatory prefixes, likewise."""

SIGNED_BYTE = {value: bytes((value & 0xFF,)) for value in range(-128, 128)}
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


def displacement_bytes(value: int) -> bytes:
    return value.to_bytes(4, "little", signed=True)


class Assembler:
    """Collects instructions."""

    def __init__(self) -> None:
        self._code = bytearray()
        self.emit: Callable[[bytes], None] = self._code.extend
        """Append bytes that are already encoded."""
        self._literals: list[tuple[int, bytes]] = []  # (end of the displacement that refers to it, contents)

    @property
    def size(self) -> int:
        """The offset in bytes of the next instruction."""
        return len(self._code)

    def finish(self) -> bytes:
        """The code followed by its literals, each once and aligned to a cache line."""
        code = self._code.copy()
        places: dict[bytes, int] = {}
        for end, contents in self._literals:
            if contents not in places:
                code += b"\xcc" * (-len(code) % LITERAL_ALIGNMENT)
                places[contents] = len(code)
                code += contents
            code[end - 4 : end] = displacement_bytes(places[contents] - end)
        return bytes(code)

    def literal(self, instruction: bytes, contents: bytes) -> None:
        """An instruction that ends in [rip + displacement], without the displacement, with `contents` to refer to."""
        self.emit(instruction + bytes(4))  # patched by finish()
        self._literals.append((self.size, contents))

    def clear_upper_halves(self) -> None:
        """`vzeroupper`, which code with wide vectors owes to the caller's code with narrow ones."""
        self.emit(b"\xc5\xf8\x77")

    # General registers

    def set(self, reg: int, value: int) -> None:
        """`mov reg, value` for 0 <= value < 2**31."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0xB8 | reg & 7,)) + displacement_bytes(value))

    def move(self, reg: int, source: int) -> None:
        """`mov reg, source`, 64 bits."""
        self.emit(bytes((0x48 | source >> 3 << 2 | reg >> 3, 0x89, 0xC0 | (source & 7) << 3 | reg & 7)))

    def load(self, reg: int, base: int, displacement: int) -> None:
        """`mov reg, [base + displacement]`, 64 bits; `base` is neither RSP nor R12."""
        operands = 0x40 | (reg & 7) << 3 | base & 7
        self.emit(bytes((0x48 | reg >> 3 << 2 | base >> 3, 0x8B, operands)) + SIGNED_BYTE[displacement])

    def add(self, reg: int, value: int) -> None:
        """`add reg, value`, 64 bits."""
        rex, operands = 0x48 | reg >> 3, 0xC0 | reg & 7
        if -128 <= value < 128:
            self.emit(bytes((rex, 0x83, operands)) + SIGNED_BYTE[value])
        else:
            self.emit(bytes((rex, 0x81, operands)) + displacement_bytes(value))

    def decrement(self, reg: int) -> None:
        """`dec reg`, 32 bits; sets the zero flag."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0xFF, 0xC8 | reg & 7)))

    def push(self, reg: int) -> None:
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0x50 | reg & 7,)))

    def pop(self, reg: int) -> None:
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0x58 | reg & 7,)))

    def push_value(self, value: int) -> None:
        """Push a constant, 0 <= value < 2**31."""
        self.emit(b"\x68" + displacement_bytes(value))

    def decrement_top(self) -> None:
        """`sub dword [rsp], 1`; sets the zero flag."""
        self.emit(b"\x83\x2c\x24\x01")

    # Control flow

    def jump_back_if_nonzero(self, target: int) -> None:
        """`jnz` to an earlier offset."""
        near = target - (self.size + 2)
        if near >= -128:
            self.emit(b"\x75" + SIGNED_BYTE[near])
        else:
            self.emit(b"\x0f\x85" + displacement_bytes(target - (self.size + 6)))

    @contextmanager
    def if_nonzero(self, reg: int) -> Iterator[None]:
        """Jump over the instructions written inside when the low 32 bits of `reg` are all zero."""
        self.emit((b"\x45" if reg >= R8 else b"") + bytes((0x85, 0xC0 | (reg & 7) << 3 | reg & 7)))  # test reg, reg
        with self._unless(b"\x0f\x84"):  # jz
            yield

    @contextmanager
    def if_equal(self, reg: int, value: int) -> Iterator[None]:
        """Jump over the instructions written inside unless the low 32 bits of `reg` are this value."""
        self.emit((b"\x41" if reg >= R8 else b"") + bytes((0x81, 0xF8 | reg & 7)) + displacement_bytes(value))  # cmp
        with self._unless(b"\x0f\x85"):  # jnz
            yield

    @contextmanager
    def _unless(self, jump: bytes) -> Iterator[None]:
        """A conditional jump over the instructions written inside."""
        self.emit(jump + bytes(4))
        start = self.size
        yield
        self._code[start - 4 : start] = displacement_bytes(self.size - start)

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
        self.emit(b"\x48\x89\x45" + SIGNED_BYTE[displacement])  # mov [rbp + displacement], rax

    def square(self, reg: int) -> None:
        """`imul reg, reg`, 64 bits, for the first eight general registers."""
        self.emit(bytes((0x48, 0x0F, 0xAF, 0xC0 | reg << 3 | reg)))
