"""Code that only multiplies and adds, on zeros in registers: as much of it as a core can do.

Its time is what fractions of peak refer to, and tells timers whether a core is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.plan import Target
from rllib_envs.loop_nest.backend.x86 import RCX, Assembler


def chains(target: Target) -> int:
    """Independent multiply-adds: an even number, for two units, and more than latency times throughput, at most ten."""
    return (target.registers - 3) // 2 * 2


def flops(target: Target, rounds: int) -> int:
    """Floating-point operations of so many rounds."""
    return 2 * target.lanes * chains(target) * rounds


def emit_multiply_adds(
    assembler: Assembler, instructions: type[InstructionSet], rounds: int, counters: Sequence[int] = ()
) -> None:
    """Machine code; clobbers RCX and all vector registers.

    Between the multiply-adds it increments the general registers `counters` in turn. With them a core has as many
    instructions to start in each cycle as it can, and not only its multipliers are busy.
    """
    vectors, target = instructions(assembler), instructions.target
    factor = chains(target)
    for register in range(factor + 1):
        vectors.clear(register)
    increments = list(islice(cycle(counters), factor if counters else 0))
    assembler.set(RCX, rounds)
    assembler.align()
    again = assembler.size
    for register in range(factor):
        vectors.operate("fused", register, factor, factor, target.lanes)
        if increments:
            assembler.add(increments[register], 1)
    assembler.decrement(RCX)
    assembler.jump_back_if_nonzero(again)
    assembler.clear_upper_halves()


def multiply_adds_ir(target: Target, rounds: int) -> str:
    """LLVM IR of `void multiply_adds(void)`."""
    vector = f"<{target.lanes} x float>"
    fma = f"@llvm.fmuladd.v{target.lanes}f32"
    numbers = range(chains(target))
    phis = "\n".join(f"  %a{i} = phi {vector} [ zeroinitializer, %entry ], [ %b{i}, %loop ]" for i in numbers)
    # The factor comes from memory: LLVM would simplify arithmetic on a constant.
    sums = "\n".join(f"  %b{i} = call {vector} {fma}({vector} %f, {vector} %f, {vector} %a{i})" for i in numbers)
    kept = "\n".join(f"  store volatile {vector} %b{i}, ptr %memory, align 4" for i in numbers)
    return f"""
define void @multiply_adds() nounwind {{
entry:
  %memory = alloca {vector}, align 64
  store volatile {vector} zeroinitializer, ptr %memory, align 4
  %f = load volatile {vector}, ptr %memory, align 4
  br label %loop
loop:
  %round = phi i64 [ {rounds}, %entry ], [ %left, %loop ]
{phis}
{sums}
  %left = sub i64 %round, 1
  %again = icmp ne i64 %left, 0
  br i1 %again, label %loop, label %done
done:
{kept}
  ret void
}}
declare {vector} {fma}({vector}, {vector}, {vector})
"""
