from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from rllib_envs.loop_nest.backend import Loop
from rllib_envs.loop_nest.backend.block import block_operations, held_vectors
from rllib_envs.loop_nest.backend.isa_avx512 import Avx512
from rllib_envs.loop_nest.backend.plan import (
    BLOCK_LIMIT,
    COPIES_LIMIT,
    UNROLLED_BLOCK_LIMIT,
    Access,
    Plan,
    copies,
    make_plan,
    vector_count,
    vector_tails,
)
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.statement import Statement


def matmul(m: int, n: int, k: int) -> Statement:
    return make_statement("mm", {"m": m, "n": n, "k": k})


def plan(statement: Statement, text: str) -> Plan:
    """A plan from a schedule such as "m4 k m:unroll n": variable, step (default 1), annotation."""
    loops = []
    for word in text.split():
        head, _, annotation = word.partition(":")
        loops.append(Loop(head[0], int(head[1:] or 1), annotation))
    return make_plan(statement, tuple(loops), Avx512.target)


def operations(made: Plan, statement: Statement) -> int:
    extent = dict(statement.size)
    for loop in made.loops[: made.block]:
        extent[loop.var] = loop.step
    return len(block_operations(made, extent, Avx512.target.lanes))


def test_register_tile() -> None:
    made = plan(matmul(64, 64, 64), "m8 n32 k4 k m n")
    assert (made.held, made.accumulators) == (16, 1)
    assert made.hold == 2, "C is held outside both loops over k"
    assert made.block == 3
    assert [tensor.access for tensor in (made.output, *made.inputs)] == [
        Access.PACKED,
        Access.BROADCAST,
        Access.PACKED,
    ]


def test_few_sums_get_several_accumulators() -> None:
    made = plan(matmul(64, 64, 64), "m n32 k8 k n")
    assert made.held == 2
    assert made.accumulators == 5


def test_innermost_reduction_is_vectorised_with_partial_sums() -> None:
    made = plan(matmul(64, 64, 64), "m n k")
    assert made.vector == "k"
    assert made.output.access is Access.BROADCAST


def test_idle_loops_are_left_out() -> None:
    made = plan(matmul(8, 16, 1), "m64 m8 n16 m k n")
    assert made.loops == (Loop("m", 1), Loop("n", 1))


def test_last_busy_loop_is_vectorised() -> None:
    assert plan(matmul(8, 16, 1), "m n k").vector == "n"
    assert plan(matmul(1, 1, 1), "m n k").vector == "k"


def test_vectorize_moves_the_loop_inside() -> None:
    made = plan(matmul(64, 64, 64), "m4 n:vectorize k m")
    assert made.loops[-1] == Loop("n", 1, "vectorize")
    assert made.loops[:-1] == (Loop("m", 4), Loop("k", 1), Loop("m", 1))


def test_innermost_vectorize_wins_and_outer_loops_of_the_variable_do_not_count() -> None:
    assert plan(matmul(64, 64, 64), "n:vectorize m:vectorize k").vector == "m"
    assert plan(matmul(64, 64, 64), "n16:vectorize m n k").vector == "k"


def test_unroll_raises_the_limit_of_its_block() -> None:
    statement = matmul(64, 64, 64)
    plain = plan(statement, "m8 n32 k16 k m n")
    unrolled = plan(statement, "m8 n32 k16 k:unroll m n")
    assert operations(plain, statement) == 16
    assert operations(unrolled, statement) == 256
    assert unrolled.block == unrolled.hold + 1


def test_unroll_that_can_not_apply_changes_nothing() -> None:
    statement = matmul(64, 64, 64)
    assert plan(statement, "m:unroll n k").block == plan(statement, "m n k").block


@pytest.mark.parametrize("size", [100, 2000, 4096, 100_000])
def test_long_vector_loop_is_blocked(size: int) -> None:
    statement = make_statement("row_sum", {"m": 3, "n": size})
    made = plan(statement, "m n")
    assert operations(made, statement) <= BLOCK_LIMIT
    assert made.loops[-1] == Loop("n", 1)


@pytest.mark.parametrize("text", ["m n k", "k n m", "m30 n30 k30 m7 n7 k7 m n k", "n50 k9 m11 k:unroll m n"])
def test_registers_and_limits_hold_for_every_tail(text: str) -> None:
    statement = matmul(97, 103, 89)
    made = plan(statement, text)
    assert made.held * made.accumulators <= Avx512.target.registers - 2
    for extent in tails(made, statement):
        assert len(held_vectors(made, extent, Avx512.target.lanes)) <= made.held
        assert len(block_operations(made, extent, Avx512.target.lanes)) <= UNROLLED_BLOCK_LIMIT


def tails(made: Plan, statement: Statement) -> list[dict[str, int]]:
    """The extents of every copy of the block."""
    extents = [dict(statement.size)]
    for var, step, _ in made.loops[: made.block]:
        extents = [
            {**extent, var: inner}
            for extent in extents
            for inner in ([step] if extent[var] >= step else []) + ([extent[var] % step] if extent[var] % step else [])
        ]
    return extents


def test_copies_counts_the_copies() -> None:
    statement = matmul(97, 103, 89)
    made = plan(statement, "m30 n30 k30 m7 n7 k7 m n k")
    assert copies(statement, made.loops[: made.block]) == len(tails(made, statement))


def test_copies_are_limited() -> None:
    sizes = dict.fromkeys("oyxcpq", 97)
    statement = make_statement("conv2d_nchw", sizes)
    loops = [Loop(var, step) for step in (50, 23, 11, 5) for var in sizes] + [Loop(var, 1) for var in sizes]
    made = make_plan(statement, tuple(loops), Avx512.target)
    assert copies(statement, made.loops[: made.block]) <= COPIES_LIMIT


@pytest.mark.parametrize("text", ["m k n", "k4 m5 n9 n m3 k m:unroll", "n5 m4 k3 m3 n2 m k n", "k:vectorize n m"])
def test_plan_visits_every_point_once(text: str) -> None:
    statement = matmul(7, 37, 5)
    made = plan(statement, text)
    visited: Counter[tuple[int, int, int]] = Counter()

    def visit(depth: int, extent: dict[str, int], offsets: tuple[int, ...]) -> None:
        tensors = (made.output, *made.inputs)
        if depth == made.block:
            ahead = [tensor.stride.get(made.vector, 0) for tensor in tensors]
            for *distances, lanes in block_operations(made, extent, Avx512.target.lanes):
                starts = [offset + distance for offset, distance in zip(offsets, distances, strict=True)]
                for lane in range(lanes):
                    c, a, b = (start + lane * stride for start, stride in zip(starts, ahead, strict=True))
                    visited[c, a, b] += 1
            return
        var, step, _ = made.loops[depth]
        for start in range(0, extent[var], step):
            moved = tuple(
                offset + start * tensor.stride.get(var, 0) for offset, tensor in zip(offsets, tensors, strict=True)
            )
            visit(depth + 1, {**extent, var: min(step, extent[var] - start)}, moved)

    visit(0, dict(statement.size), (0, 0, 0))
    expected = product(range(7), range(37), range(5))
    assert visited == Counter((4 * (m * 37 + n), 4 * (m * 5 + k), 4 * (k * 37 + n)) for m, n, k in expected)


def test_vector_count_includes_partly_filled_vectors() -> None:
    assert vector_count(100, (1,), 16) == 7
    assert vector_count(100, (20, 1), 16) == 10
    assert vector_count(100, (40, 20, 1), 16) == 10
    assert vector_count(5, (40, 1), 16) == 1


def test_vector_tails() -> None:
    made = plan(matmul(4, 100, 4), "n40 n24 m k n")
    assert vector_tails(made, 100, Avx512.target.lanes) == (4, 8)
