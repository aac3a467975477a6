"""A schedule: the order and the steps of the loops that carry out a statement.

A loop `(var, step)` over an extent `e` runs `e // step` full iterations, in which `var` has extent `step`,
and then one tail of extent `e % step`. This is the meaning that loop_tool and LoopNest
(https://github.com/facebookresearch/loop_nest) give to their loops.
"""

from __future__ import annotations

from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.statement import Statement

ANNOTATIONS = ("", "unroll", "vectorize")


class Loop(NamedTuple):
    """One loop of a schedule. A schedule is a tuple of loops, outermost first."""

    var: str
    """The variable that the loop runs over."""
    step: int
    """How far one iteration moves the variable; the last loop of each variable has step 1."""
    annotation: str = ""
    """"" or a wish: "unroll" (make this loop straight-line code) or "vectorize" (one lane an iteration)."""


Schedule = tuple[Loop, ...]


def check_loops(statement: Statement, loops: Schedule) -> None:
    """Raise UserError unless the loops visit every point of the iteration space exactly once."""
    last_step: dict[str, int] = {}
    for var, step, annotation in loops:
        if var not in statement.size:
            raise UserError(f"loop over unknown variable {var!r}; the statement has {tuple(statement.size)}")
        if annotation not in ANNOTATIONS:
            raise UserError(f"unknown annotation {annotation!r} on loop {var}; use one of {ANNOTATIONS}")
        if step < 1 or step >= last_step.get(var, step + 1):
            raise UserError(
                f"loop {var} has step {step} inside step {last_step.get(var)}; "
                "the steps of a variable must be positive and descend from the outer loop to the inner loop"
            )
        last_step[var] = step
    for var in statement.size:
        if last_step.get(var) != 1:
            raise UserError(f"the innermost loop of {var} must have step 1, got {last_step.get(var, 'no loop')}")
