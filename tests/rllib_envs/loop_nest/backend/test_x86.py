"""Every encoding against the disassembler of binutils."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.x86 import Assembler

Write = Callable[[Assembler], None]

INSTRUCTIONS: list[tuple[Write, str]] = [
    # Registers on both sides of each extension bit; displacements of one byte, scaled, and of four.
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 0, 0, x86.RDI, 0), "vmovups zmm0,ZMMWORD PTR [rdi+0x0]"),
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 9, 0, x86.R13, 64), "vmovups zmm9,ZMMWORD PTR [r13+0x40]"),
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 17, 0, x86.RSP, -8192), "vmovups zmm17,ZMMWORD PTR [rsp-0x2000]"),
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 31, 0, x86.R12, 8128), "vmovups zmm31,ZMMWORD PTR [r12+0x1fc0]"),
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 8, 0, x86.RSI, 8192), "vmovups zmm8,ZMMWORD PTR [rsi+0x2000]"),
    (lambda a: a.memory(x86.VMOVUPS_LOAD, 8, 0, x86.RSI, 4), "vmovups zmm8,ZMMWORD PTR [rsi+0x4]"),
    (
        lambda a: a.memory(x86.VMOVUPS_LOAD, 16, 0, x86.RDI, 1 << 30, mask=7),
        "vmovups zmm16{k7},ZMMWORD PTR [rdi+0x40000000]",
    ),
    (
        lambda a: a.memory(x86.VMOVUPS_LOAD, 5, 0, x86.RDX, 0, mask=1, zero=True),
        "vmovups zmm5{k1}{z},ZMMWORD PTR [rdx+0x0]",
    ),
    (
        lambda a: a.memory(x86.VMOVUPS_STORE, 23, 0, x86.RDI, -64, mask=4),
        "vmovups ZMMWORD PTR [rdi-0x40]{k4},zmm23",
    ),
    (lambda a: a.memory(x86.VBROADCASTSS, 30, 0, x86.RSI, 508), "vbroadcastss zmm30,DWORD PTR [rsi+0x1fc]"),
    (lambda a: a.memory(x86.VBROADCASTSS, 3, 0, x86.RSI, 512), "vbroadcastss zmm3,DWORD PTR [rsi+0x200]"),
    (
        lambda a: a.memory(x86.VMOVSS_LOAD, 31, 0, x86.RDI, 12, mask=7),
        "vmovss xmm31{k7},DWORD PTR [rdi+0xc]",
    ),
    (lambda a: a.memory(x86.VMOVSS_STORE, 12, 0, x86.RDI, 4000), "vmovss DWORD PTR [rdi+0xfa0],xmm12"),
    (
        lambda a: a.memory(x86.VFMADD231PS, 1, 30, x86.RDX, 128),
        "vfmadd231ps zmm1,zmm30,ZMMWORD PTR [rdx+0x80]",
    ),
    (
        lambda a: a.memory(x86.VFMADD231PS, 29, 7, x86.RSI, 8, broadcast=True, mask=2),
        "vfmadd231ps zmm29{k2},zmm7,DWORD BCST [rsi+0x8]",
    ),
    (lambda a: a.register(x86.VFMADD231PS, 31, 16, 24), "vfmadd231ps zmm31,zmm16,zmm24"),
    (lambda a: a.register(x86.VFMADD231PS, 0, 15, 8, mask=3), "vfmadd231ps zmm0{k3},zmm15,zmm8"),
    (lambda a: a.register(x86.VADDPS, 2, 18, 9), "vaddps zmm2,zmm18,zmm9"),
    (lambda a: a.register(x86.VADDPS, 17, 17, 3, length=x86.YMM), "vaddps ymm17,ymm17,ymm3"),
    (lambda a: a.register(x86.VADDPS, 1, 20, 3, length=x86.XMM), "vaddps xmm1,xmm20,xmm3"),
    (lambda a: a.register(x86.VMULPS, 10, 11, 12), "vmulps zmm10,zmm11,zmm12"),
    (lambda a: a.register(x86.VSUBPS, 25, 26, 27), "vsubps zmm25,zmm26,zmm27"),
    (lambda a: a.register(x86.VMINPS, 4, 5, 6), "vminps zmm4,zmm5,zmm6"),
    (lambda a: a.register(x86.VMAXPS, 4, 5, 22, mask=6), "vmaxps zmm4{k6},zmm5,zmm22"),
    (lambda a: a.register(x86.VMOVAPS, 19, 0, 2), "vmovaps zmm19,zmm2"),
    (lambda a: a.clear(28), "vpxord zmm28,zmm28,zmm28"),
    (lambda a: a.shuffle(6, 21, 21, 0x4E), "vshufps xmm6,xmm21,xmm21,0x4e"),
    (lambda a: a.extract(x86.VEXTRACTF64X4, 7, 19, 1, x86.ZMM), "vextractf64x4 ymm7,zmm19,0x1"),
    (lambda a: a.extract(x86.VEXTRACTF32X4, 27, 2, 1, x86.YMM), "vextractf32x4 xmm27,ymm2,0x1"),
    (
        lambda a: a.indexed(x86.VGATHERDPS, 20, x86.RSI, 0, 64, 5),
        "vgatherdps zmm20{k5},DWORD PTR [rsi+zmm0*1+0x40]",
    ),
    (
        lambda a: a.indexed(x86.VGATHERDPS, 3, x86.R9, 26, -4, 5),
        "vgatherdps zmm3{k5},DWORD PTR [r9+zmm26*1-0x4]",
    ),
    (
        lambda a: a.indexed(x86.VSCATTERDPS, 31, x86.RDI, 9, 1 << 20, 6),
        "vscatterdps DWORD PTR [rdi+zmm9*1+0x100000]{k6},zmm31",
    ),
    (lambda a: a.multiply_add_256(3, 12, 9), "vfmadd231ps ymm3,ymm12,ymm9"),
    (lambda a: a.multiply_add_256(11, 4, 2), "vfmadd231ps ymm11,ymm4,ymm2"),
    (lambda a: a.clear_256(12), "vxorps ymm12,ymm12,ymm12"),
    (lambda a: a.clear_upper_halves(), "vzeroupper"),
    (lambda a: a.mask_from_general(6, x86.RAX), "kmovw k6,eax"),
    (lambda a: a.mask_copy(5, 7), "kmovw k5,k7"),
    (lambda a: a.mask_and(6, 7, 4), "kandw k6,k7,k4"),
    (lambda a: a.mask_all(5), "kxnorw k5,k5,k5"),
    (lambda a: a.set(x86.RCX, 3), "mov ecx,0x3"),
    (lambda a: a.set(x86.R14, 1 << 20), "mov r14d,0x100000"),
    (lambda a: a.move(x86.RDI, x86.R13), "mov rdi,r13"),
    (lambda a: a.move(x86.R12, x86.RDX), "mov r12,rdx"),
    (lambda a: a.add(x86.RDI, 127), "add rdi,0x7f"),
    (lambda a: a.add(x86.R15, 128), "add r15,0x80"),
    (lambda a: a.add(x86.RSI, -4096), "add rsi,0xfffffffffffff000"),
    (lambda a: a.decrement(x86.RBX), "dec ebx"),
    (lambda a: a.decrement(x86.R11), "dec r11d"),
    (lambda a: a.push(x86.RBP), "push rbp"),
    (lambda a: a.push(x86.R15), "push r15"),
    (lambda a: a.pop(x86.R12), "pop r12"),
    (lambda a: a.push_value(300), "push 0x12c"),
    (lambda a: a.decrement_top(), "sub DWORD PTR [rsp],0x1"),
    (lambda a: a.call(x86.R12), "call r12"),
    (lambda a: a.square(x86.RCX), "imul rcx,rcx"),
    (lambda a: a.ret(), "ret"),
]


@pytest.fixture
def disassemble(tmp_path: Path) -> Callable[[bytes], list[str]]:
    if shutil.which("objdump") is None:
        pytest.skip("needs objdump (binutils)")

    def run(code: bytes) -> list[str]:
        (tmp_path / "code").write_bytes(code)
        command = "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn code"
        listing = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        lines = re.findall(r"^\s*[0-9a-f]+:\t(.*)$", listing, flags=re.MULTILINE)
        # "{evex}" tells that a VEX encoding would have done; "#" starts a comment.
        return [re.sub(r"\s+", " ", line.split("#")[0].removeprefix("{evex} ")).strip() for line in lines]

    return run


def test_instructions(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    for write, _ in INSTRUCTIONS:
        write(assembler)
    code = b"".join(assembler._code)
    assert disassemble(code) == [text for _, text in INSTRUCTIONS]


def test_all_ones_if_nonzero(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.all_ones_if_nonzero(x86.RAX, x86.R15)
    assert disassemble(b"".join(assembler._code)) == ["mov eax,r15d", "neg eax", "sbb eax,eax"]


def test_time_stamp(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.time_stamp(x86.RBP, 16)
    expected = ["rdtscp", "shl rdx,0x20", "or rax,rdx", "mov QWORD PTR [rbp+0x10],rax"]
    assert disassemble(b"".join(assembler._code)) == expected


@pytest.mark.parametrize("distance", [10, 124, 126, 127, 128, 5000])
def test_jump_back(disassemble: Callable[[bytes], list[str]], distance: int) -> None:
    assembler = Assembler()
    assembler.emit(b"\x90" * 3)
    target = assembler.size
    assembler.emit(b"\x90" * distance)
    assembler.jump_back_if_nonzero(target)
    assert disassemble(b"".join(assembler._code))[-1] == f"jne 0x{target:x}"


@pytest.mark.parametrize("size", range(1, 17))
def test_align(disassemble: Callable[[bytes], list[str]], size: int) -> None:
    assembler = Assembler()
    assembler.emit(b"\x90" * size)
    assembler.align()
    assert assembler.size % x86.CODE_ALIGNMENT == 0
    assert all("nop" in line or line == "xchg ax,ax" for line in disassemble(b"".join(assembler._code)))


def test_literals_follow_the_code(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.literal(3, b"\x01" * 64)
    assembler.literal(18, b"\x02" * 64)
    assembler.ret()
    code = assembler.finish()
    assert code[64:] == b"\x01" * 64 + b"\x02" * 64
    lines = disassemble(code[:21])
    assert lines[0] == f"vmovups zmm3,ZMMWORD PTR [rip+0x{64 - 10:x}]"
    assert lines[1] == f"vmovups zmm18,ZMMWORD PTR [rip+0x{128 - 20:x}]"
