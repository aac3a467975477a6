from __future__ import annotations

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import Loop
from rllib_envs.loop_nest.backend.loops import check_loops
from rllib_envs.loop_nest.statement import Statement

COPY = Statement((("m", 6), ("n", 9)), (("m", 9), ("n", 1)), ((("m", 9), ("n", 1)),), "copy", "none")


@pytest.mark.parametrize(
    "loops",
    [
        (Loop("m", 1), Loop("n", 1)),
        (Loop("n", 4), Loop("m", 3), Loop("n", 1), Loop("m", 1)),
        (Loop("n", 64), Loop("n", 9), Loop("n", 2), Loop("n", 1), Loop("m", 1, "unroll")),
    ],
)
def test_legal(loops: tuple[Loop, ...]) -> None:
    check_loops(COPY, loops)


@pytest.mark.parametrize(
    ("loops", "reason"),
    [
        ((Loop("m", 1),), "innermost loop of n"),
        ((Loop("m", 1), Loop("n", 2)), "must have step 1"),
        ((Loop("m", 1), Loop("n", 2), Loop("n", 2), Loop("n", 1)), "descend"),
        ((Loop("m", 1), Loop("n", 1), Loop("n", 2)), "descend"),
        ((Loop("m", 1), Loop("n", 0)), "positive"),
        ((Loop("m", 1), Loop("n", 1), Loop("x", 1)), "unknown variable 'x'"),
        ((Loop("m", 1), Loop("n", 1, "fast")), "unknown annotation 'fast'"),
    ],
)
def test_illegal(loops: tuple[Loop, ...], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_loops(COPY, loops)
