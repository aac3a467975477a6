"""Every general encoding against the disassembler of binutils."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rllib_envs.loop_nest.backend import x86
from rllib_envs.loop_nest.backend.x86 import Assembler

Write = Callable[[Assembler], None]

INSTRUCTIONS: list[tuple[Write, str]] = [
    (lambda a: a.clear_upper_halves(), "vzeroupper"),
    (lambda a: a.set(x86.RCX, 3), "mov ecx,0x3"),
    (lambda a: a.set(x86.R14, 1 << 20), "mov r14d,0x100000"),
    (lambda a: a.move(x86.RDI, x86.R13), "mov rdi,r13"),
    (lambda a: a.move(x86.R12, x86.RDX), "mov r12,rdx"),
    (lambda a: a.load(x86.RDI, x86.R13, 0), "mov rdi,QWORD PTR [r13+0x0]"),
    (lambda a: a.load(x86.R9, x86.RBX, 40), "mov r9,QWORD PTR [rbx+0x28]"),
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


def test_instructions(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    for write, _ in INSTRUCTIONS:
        write(assembler)
    code = assembler.finish()
    assert disassemble(code) == [text for _, text in INSTRUCTIONS]


@pytest.mark.parametrize(("reg", "name"), [(x86.RAX, "eax"), (x86.R15, "r15d")])
def test_if_nonzero(disassemble: Callable[[bytes], list[str]], reg: int, name: str) -> None:
    assembler = Assembler()
    with assembler.if_nonzero(reg):
        assembler.emit(b"\x90" * 200)
    target = assembler.size
    lines = disassemble(assembler.finish())
    assert lines[:2] == [f"test {name},{name}", f"je 0x{target:x}"]


@pytest.mark.parametrize(("register", "name"), [(x86.RCX, "ecx"), (x86.R15, "r15d")])
def test_a_comparison_jumps_over_what_is_inside(disassemble, register: int, name: str) -> None:
    assembler = Assembler()
    with assembler.if_equal(register, 300):
        assembler.ret()
    lines = disassemble(assembler.finish())
    assert lines == [f"cmp {name},0x12c", f"jne 0x{assembler.size:x}", "ret"]


def test_time_stamp(disassemble: Callable[[bytes], list[str]]) -> None:
    assembler = Assembler()
    assembler.time_stamp(x86.RBP, 16)
    expected = ["rdtscp", "shl rdx,0x20", "or rax,rdx", "mov QWORD PTR [rbp+0x10],rax"]
    assert disassemble(assembler.finish()) == expected


@pytest.mark.parametrize("distance", [10, 124, 126, 127, 128, 5000])
def test_jump_back(disassemble: Callable[[bytes], list[str]], distance: int) -> None:
    assembler = Assembler()
    assembler.emit(b"\x90" * 3)
    target = assembler.size
    assembler.emit(b"\x90" * distance)
    assembler.jump_back_if_nonzero(target)
    assert disassemble(assembler.finish())[-1] == f"jne 0x{target:x}"


@pytest.mark.parametrize("size", range(1, 17))
def test_align(disassemble: Callable[[bytes], list[str]], size: int) -> None:
    assembler = Assembler()
    assembler.emit(b"\x90" * size)
    assembler.align()
    assert assembler.size % x86.CODE_ALIGNMENT == 0
    assert all("nop" in line or line == "xchg ax,ax" for line in disassemble(assembler.finish()))
