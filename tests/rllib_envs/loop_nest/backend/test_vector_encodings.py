"""Every vector encoding against the disassembler of binutils."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rllib_envs.loop_nest.backend import evex, vex, x86
from rllib_envs.loop_nest.backend.x86 import Assembler

EVEX: list[tuple[bytes, str]] = [
    # Registers on both sides of each extension bit; displacements of one byte, scaled, and of four.
    (evex.memory(evex.VMOVUPS_LOAD, 0, 0, x86.RDI, 0), "vmovups zmm0,ZMMWORD PTR [rdi+0x0]"),
    (evex.memory(evex.VMOVUPS_LOAD, 9, 0, x86.R13, 64), "vmovups zmm9,ZMMWORD PTR [r13+0x40]"),
    (evex.memory(evex.VMOVUPS_LOAD, 17, 0, x86.RSP, -8192), "vmovups zmm17,ZMMWORD PTR [rsp-0x2000]"),
    (evex.memory(evex.VMOVUPS_LOAD, 31, 0, x86.R12, 8128), "vmovups zmm31,ZMMWORD PTR [r12+0x1fc0]"),
    (evex.memory(evex.VMOVUPS_LOAD, 8, 0, x86.RSI, 8192), "vmovups zmm8,ZMMWORD PTR [rsi+0x2000]"),
    (evex.memory(evex.VMOVUPS_LOAD, 8, 0, x86.RSI, 4), "vmovups zmm8,ZMMWORD PTR [rsi+0x4]"),
    (
        evex.memory(evex.VMOVUPS_LOAD, 16, 0, x86.RDI, 1 << 30, mask=7),
        "vmovups zmm16{k7},ZMMWORD PTR [rdi+0x40000000]",
    ),
    (
        evex.memory(evex.VMOVUPS_LOAD, 5, 0, x86.RDX, 0, mask=1, zero=True),
        "vmovups zmm5{k1}{z},ZMMWORD PTR [rdx+0x0]",
    ),
    (
        evex.memory(evex.VMOVUPS_STORE, 23, 0, x86.RDI, -64, mask=4),
        "vmovups ZMMWORD PTR [rdi-0x40]{k4},zmm23",
    ),
    (evex.memory(evex.VBROADCASTSS, 30, 0, x86.RSI, 508), "vbroadcastss zmm30,DWORD PTR [rsi+0x1fc]"),
    (evex.memory(evex.VBROADCASTSS, 3, 0, x86.RSI, 512), "vbroadcastss zmm3,DWORD PTR [rsi+0x200]"),
    (
        evex.memory(evex.VMOVSS_LOAD, 31, 0, x86.RDI, 12, mask=7),
        "vmovss xmm31{k7},DWORD PTR [rdi+0xc]",
    ),
    (evex.memory(evex.VMOVSS_STORE, 12, 0, x86.RDI, 4000), "vmovss DWORD PTR [rdi+0xfa0],xmm12"),
    (
        evex.memory(evex.VFMADD231PS, 1, 30, x86.RDX, 128),
        "vfmadd231ps zmm1,zmm30,ZMMWORD PTR [rdx+0x80]",
    ),
    (
        evex.memory(evex.VFMADD231PS, 29, 7, x86.RSI, 8, broadcast=True, mask=2),
        "vfmadd231ps zmm29{k2},zmm7,DWORD BCST [rsi+0x8]",
    ),
    (evex.register(evex.VFMADD231PS, 31, 16, 24), "vfmadd231ps zmm31,zmm16,zmm24"),
    (evex.register(evex.VFMADD231PS, 0, 15, 8, mask=3), "vfmadd231ps zmm0{k3},zmm15,zmm8"),
    (evex.register(evex.VADDPS, 2, 18, 9), "vaddps zmm2,zmm18,zmm9"),
    (evex.register(evex.VADDPS, 17, 17, 3, length=evex.YMM), "vaddps ymm17,ymm17,ymm3"),
    (evex.register(evex.VADDPS, 1, 20, 3, length=evex.XMM), "vaddps xmm1,xmm20,xmm3"),
    (evex.register(evex.VMULPS, 10, 11, 12), "vmulps zmm10,zmm11,zmm12"),
    (evex.register(evex.VSUBPS, 25, 26, 27), "vsubps zmm25,zmm26,zmm27"),
    (evex.register(evex.VMINPS, 4, 5, 6), "vminps zmm4,zmm5,zmm6"),
    (evex.register(evex.VMAXPS, 4, 5, 22, mask=6), "vmaxps zmm4{k6},zmm5,zmm22"),
    (evex.register(evex.VMOVAPS, 19, 0, 2), "vmovaps zmm19,zmm2"),
    (evex.register(evex.VPXORD, 28, 28, 28), "vpxord zmm28,zmm28,zmm28"),
    (evex.shuffle(6, 21, 21, 0x4E), "vshufps xmm6,xmm21,xmm21,0x4e"),
    (evex.extract(evex.VEXTRACTF64X4, 7, 19, 1, evex.ZMM), "vextractf64x4 ymm7,zmm19,0x1"),
    (evex.extract(evex.VEXTRACTF32X4, 27, 2, 1, evex.YMM), "vextractf32x4 xmm27,ymm2,0x1"),
    (
        evex.indexed(evex.VGATHERDPS, 20, x86.RSI, 0, 64, 5),
        "vgatherdps zmm20{k5},DWORD PTR [rsi+zmm0*1+0x40]",
    ),
    (
        evex.indexed(evex.VGATHERDPS, 3, x86.R9, 26, -4, 5),
        "vgatherdps zmm3{k5},DWORD PTR [r9+zmm26*1-0x4]",
    ),
    (
        evex.indexed(evex.VSCATTERDPS, 31, x86.RDI, 9, 1 << 20, 6),
        "vscatterdps DWORD PTR [rdi+zmm9*1+0x100000]{k6},zmm31",
    ),
    (evex.mask_from_general(6, x86.RAX), "kmovw k6,eax"),
    (evex.mask_copy(5, 7), "kmovw k5,k7"),
    (evex.mask_all(5), "kxnorw k5,k5,k5"),
]
VEX: list[tuple[bytes, str]] = [
    # Registers on both sides of each extension bit; displacements of one byte and of four.
    (vex.memory(vex.VMOVUPS_LOAD, 0, 0, x86.RDI, 0), "vmovups ymm0,YMMWORD PTR [rdi+0x0]"),
    (vex.memory(vex.VMOVUPS_LOAD, 9, 0, x86.R13, 127), "vmovups ymm9,YMMWORD PTR [r13+0x7f]"),
    (vex.memory(vex.VMOVUPS_LOAD, 7, 0, x86.RSP, -128), "vmovups ymm7,YMMWORD PTR [rsp-0x80]"),
    (vex.memory(vex.VMOVUPS_LOAD, 8, 0, x86.R12, 128), "vmovups ymm8,YMMWORD PTR [r12+0x80]"),
    (vex.memory(vex.VMOVUPS_STORE, 15, 0, x86.RDI, -4096), "vmovups YMMWORD PTR [rdi-0x1000],ymm15"),
    (vex.memory(vex.VMOVUPS_STORE_128, 12, 0, x86.RDI, 16), "vmovups XMMWORD PTR [rdi+0x10],xmm12"),
    (vex.memory(vex.VMOVLPS_STORE, 11, 0, x86.RDI, 8), "vmovlps QWORD PTR [rdi+0x8],xmm11"),
    (vex.memory(vex.VMOVSS_LOAD, 3, 0, x86.RDI, 12), "vmovss xmm3,DWORD PTR [rdi+0xc]"),
    (vex.memory(vex.VMOVSS_STORE, 13, 0, x86.RDI, 4000), "vmovss DWORD PTR [rdi+0xfa0],xmm13"),
    (vex.memory(vex.VMASKMOVPS_LOAD, 4, 15, x86.RDI, 4), "vmaskmovps ymm4,ymm15,YMMWORD PTR [rdi+0x4]"),
    (vex.memory(vex.VBROADCASTSS, 14, 0, x86.RSI, 1 << 30), "vbroadcastss ymm14,DWORD PTR [rsi+0x40000000]"),
    (vex.memory(vex.VFMADD231PS, 1, 10, x86.RDX, 32), "vfmadd231ps ymm1,ymm10,YMMWORD PTR [rdx+0x20]"),
    (vex.register(vex.VFMADD231PS, 3, 12, 9), "vfmadd231ps ymm3,ymm12,ymm9"),
    (vex.register(vex.VFMADD231PS, 11, 4, 2), "vfmadd231ps ymm11,ymm4,ymm2"),
    (vex.register(vex.VADDPS, 2, 8, 9), "vaddps ymm2,ymm8,ymm9"),
    (vex.register(vex.VADDPS, 1, 14, 3, vex.XMM), "vaddps xmm1,xmm14,xmm3"),
    (vex.register(vex.VMULPS, 10, 11, 12), "vmulps ymm10,ymm11,ymm12"),
    (vex.register(vex.VSUBPS, 5, 6, 7), "vsubps ymm5,ymm6,ymm7"),
    (vex.register(vex.VMINPS, 4, 5, 6), "vminps ymm4,ymm5,ymm6"),
    (vex.register(vex.VMAXPS, 4, 5, 12), "vmaxps ymm4,ymm5,ymm12"),
    (vex.register(vex.VMOVAPS, 9, 0, 2), "vmovaps ymm9,ymm2"),
    (vex.register(vex.VXORPS, 12, 12, 12), "vxorps ymm12,ymm12,ymm12"),
    (vex.register(vex.VPCMPEQD, 15, 15, 15), "vpcmpeqd ymm15,ymm15,ymm15"),
    (vex.with_constant(vex.VSHUFPS, 6, 11, 11, 0x4E, vex.XMM), "vshufps xmm6,xmm11,xmm11,0x4e"),
    (vex.with_constant(vex.VBLENDPS, 9, 15, 9, 0x1F), "vblendps ymm9,ymm15,ymm9,0x1f"),
    (vex.extract_half(15, 3), "vextractf128 xmm15,ymm3,0x1"),
    (vex.store_lane(10, 2, x86.RDI, 260), "vextractps DWORD PTR [rdi+0x104],xmm10,0x2"),
    (vex.gather(2, 15, x86.RSI, 0, 64), "vgatherdps ymm2,DWORD PTR [rsi+ymm0*1+0x40],ymm15"),
    (vex.gather(13, 15, x86.R9, 8, -4), "vgatherdps ymm13,DWORD PTR [r9+ymm8*1-0x4],ymm15"),
]


@pytest.mark.parametrize("table", [EVEX, VEX], ids=["evex", "vex"])
def test_instructions(disassemble: Callable[[bytes], list[str]], table: list[tuple[bytes, str]]) -> None:
    assert disassemble(b"".join(code for code, _ in table)) == [text for _, text in table]


def test_literals_follow_the_code(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.literal(evex.load_literal(3), b"\x01" * 64)
    assembler.literal(evex.load_literal(18), b"\x02" * 64)
    assembler.ret()
    code = assembler.finish()
    assert code[64:] == b"\x01" * 64 + b"\x02" * 64
    lines = disassemble(code[:21])
    assert lines[0] == f"vmovups zmm3,ZMMWORD PTR [rip+0x{64 - 10:x}]"
    assert lines[1] == f"vmovups zmm18,ZMMWORD PTR [rip+0x{128 - 20:x}]"


def test_equal_literals_are_stored_once(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.literal(vex.load_literal(3), b"\x01" * 32)
    assembler.literal(vex.load_literal(12), b"\x02" * 32)
    assembler.literal(vex.load_literal(15), b"\x01" * 32)
    code = assembler.finish()
    assert code[64:] == b"\x01" * 32 + b"\xcc" * 32 + b"\x02" * 32
    assert disassemble(code[:27])[:3] == [
        f"vmovups ymm3,YMMWORD PTR [rip+0x{64 - 9:x}]",
        f"vmovups ymm12,YMMWORD PTR [rip+0x{128 - 18:x}]",
        f"vmovups ymm15,YMMWORD PTR [rip+0x{64 - 27:x}]",
    ]
