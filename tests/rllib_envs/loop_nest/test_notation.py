"""Texts stand for statements and schedules one to one, and schedules are read back."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.loops import ANNOTATIONS, Loop
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.notation import parse_schedule, schedule_text, statement_text
from rllib_envs.loop_nest.statement import Statement


def test_a_matrix_product_reads_like_one():
    statement = make_statement("mm", {"m": 64, "n": 96, "k": 80})
    assert statement_text(statement) == "m=64 k=80 n=96: C[96m+n] += A[80m+k] * B[96k+n]"
    assert statement_text(replace(statement, kind="renamed")) == statement_text(statement)


def test_every_kind_has_a_text_of_its_own():
    statements = [
        make_statement(name, dict(zip(kind.order.split(), sizes, strict=False)))
        for name, kind in KINDS.items()
        for sizes in ((1, 1, 1, 1, 1, 1), (2, 3, 4, 5, 6, 7), (2, 2, 2, 2, 2, 2))
    ]
    statements += [replace(statements[0], reduce="max"), replace(statements[0], combine="subtract")]
    for one, other in combinations(statements, 2):
        assert (one == other) == (statement_text(one) == statement_text(other)), (one, other)


def test_odd_names_are_not_confused():
    """Names come from loop_tool's files and may be anything."""

    def product(a: str, b: str) -> Statement:
        return Statement(((a, 8), (b, 4)), ((a, 4), (b, 1)), (((a, 4), (b, 1)),), "copy", "none")

    names = ["m", "4m", "m=8", "m n", 'm"', "m:1", "ü", "_"]
    statements = [product(a, b) for a in names for b in names if a != b]
    assert len(set(map(statement_text, statements))) == len(statements)


def test_schedules_are_read_back():
    rng = np.random.default_rng(0)
    names = ["m", "n_1", "4m", "a b", 'q"\\', "ü:1v"]
    for _ in range(500):
        loops = tuple(
            Loop(str(rng.choice(names)), int(rng.integers(1, 2000)), ANNOTATIONS[rng.integers(3)])
            for _ in range(rng.integers(0, 9))
        )
        assert parse_schedule(schedule_text(loops)) == loops
    loops = (Loop("m", 4), Loop("n", 16), Loop("k", 1), Loop("m", 1), Loop("n", 1, "vectorize"))
    assert schedule_text(loops) == "m:4 n:16 k:1 m:1 n:1v"


@pytest.mark.parametrize("text", ["m", "m:", "m:4 n:x", "m:4,n:1", "m:-1", "m:1w"])
def test_what_is_no_schedule_is_one_clear_error(text):
    with pytest.raises(UserError, match="can't be read from"):
        parse_schedule(text)
