"""Statements and schedules as one line of text: `m=64 k=64 n=64: C[64m+n] += A[64m+k] * B[64k+n]`, `m:4 n:1v k:1 m:1`.

An epilogue follows the statement: `; C + D[n]; C max 0.0`. Equal values have equal texts and different ones different
texts, whatever the loop variables are called. The kind of a statement, which only people need, is left out.
"""

from __future__ import annotations

import json
import re

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.loops import Loop, Schedule
from rllib_envs.loop_nest.statement import Statement, Strides

COMBINE_SIGN = {"multiply": "*", "add": "+", "subtract": "-", "max": "max", "min": "min"}
REDUCE_SIGN = {"add": "+=", "max": "max=", "min": "min=", "none": "="}
MARK = {"": "", "unroll": "u", "vectorize": "v"}
"""What follows the step of a loop with an annotation."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_LOOP = re.compile(rf'({_PLAIN_NAME.pattern}|"(?:[^"\\]|\\.)*"):([0-9]+)([uv]?)(?: |$)')


def statement_text(statement: Statement) -> str:
    """Sizes in the order of the untuned nest, and the computation with each tensor's strides."""
    sizes = " ".join(f"{_name(var)}={size}" for var, size in statement.sizes)
    left, *right = (f"A[{_index(access)}]" for access in statement.inputs)
    operands = " ".join([left, *(f"{COMBINE_SIGN[statement.combine]} B{access[1:]}" for access in right)])
    text = f"{sizes}: C[{_index(statement.output)}] {REDUCE_SIGN[statement.reduce]} {operands}"
    names = iter(statement.tensor_names[1 + len(statement.inputs) :])
    for operation, operand in statement.epilogue:
        read = f"{next(names)}[{_index(operand)}]" if isinstance(operand, tuple) else repr(float(operand))
        text += f"; C {COMBINE_SIGN[operation]} {read}"
    return text


def schedule_text(loops: Schedule) -> str:
    """The loops, outermost first, as variable:step; u marks a loop to unroll and v one to vectorize."""
    return " ".join(f"{_name(var)}:{step}{MARK[annotation]}" for var, step, annotation in loops)


def parse_schedule(text: str) -> Schedule:
    """What `schedule_text` wrote. UserError shows where it can't be read."""
    annotation = {mark: name for name, mark in MARK.items()}
    loops, position = [], 0
    while position < len(text):
        match = _LOOP.match(text, position)
        if match is None:
            raise UserError(f"schedule {text!r} can't be read from {text[position:]!r}; write loops like m:4 n:1v k:1")
        var, step, mark = match.groups()
        loops.append(Loop(json.loads(var) if var.startswith('"') else var, int(step), annotation[mark]))
        position = match.end()
    return tuple(loops)


def _name(var: str) -> str:
    return var if _PLAIN_NAME.fullmatch(var) else json.dumps(var)


def _index(access: Strides) -> str:
    return "+".join(f"{'' if stride == 1 else stride}{_name(var)}" for var, stride in access) or "0"
