"""States as loop_tool trees: printed, serialised, read back, and run by loop_tool's own backend as a cross-check."""

from __future__ import annotations

import subprocess
import sys

import loop_tool as lt
import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.actions import ACTIONS
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.loop_tool_tree import dump, from_ir, to_ir
from rllib_envs.loop_nest.state import untuned
from tests.conftest import ROOT


def example(kind, seed=0, steps=8, sizes=(2, 3, 4, 5, 6, 7, 8), without=()):
    """A state of the kind after some random actions other than `without`, each size drawn from `sizes`."""
    rng = np.random.default_rng(seed)
    names = KINDS[kind].order.split()
    sizes = {name: int(size) for name, size in zip(names, rng.choice(sizes, len(names)), strict=True)}
    state = untuned(make_statement(kind, sizes))
    for _ in range(steps):
        legal = [name for name, action in ACTIONS.items() if name not in without and not action.refusal(state)]
        state = ACTIONS[str(rng.choice(legal))].apply(state)
    return state


@pytest.mark.parametrize("kind", [kind for kind, form in KINDS.items() if "+" not in "".join(form.inputs)])
def test_what_is_serialised_can_be_read_back(kind):
    state = example(kind)
    again = from_ir(to_ir(state).serialize())
    assert again.statement.output == state.statement.output and again.statement.inputs == state.statement.inputs
    assert again.statement.size == state.statement.size
    assert [step.operation for step in again.statement.epilogue] == [
        step.operation for step in state.statement.epilogue
    ]
    assert [loop[:2] for loop in again.loops] == [loop[:2] for loop in state.loops]


def test_the_dump_marks_cursor_and_annotations():
    state = untuned(make_statement("mm", {"m": 60, "n": 48, "k": 32}))
    for name in ("split_8", "down", "unroll"):
        state = ACTIONS[name].apply(state)
    lines = dump(state).splitlines()
    assert lines[0].startswith("for m in 7 r 4") and "unroll" in lines[1] and lines[1].endswith("<-- cursor")


def test_an_epilogue_is_a_nest_of_its_own_and_its_constants_are_read_back_as_tensors():
    state = untuned(make_statement("mm_bias_relu", {"m": 4, "n": 5, "k": 6}))
    lines = [line.strip() for line in dump(state).splitlines()]
    assert sum(line.startswith("for k") for line in lines) == 1 and sum(line.startswith("for n") for line in lines) == 2
    assert "max" in lines[-2] and "write" in lines[-1]
    again = from_ir(to_ir(state).serialize())
    assert again.statement.epilogue == (("add", (("n", 1),)), ("max", ()))


def test_what_is_no_chain_is_refused():
    """C = D - A B, whose difference takes the product as its second operand."""
    ir = lt.IR()
    m = ir.create_var("m")
    a, b, d = (ir.create_node(lt.read, [], [m]) for _ in range(3))
    product = ir.create_node(lt.multiply, [a, b], [m])
    difference = ir.create_node(lt.subtract, [d, product], [m])
    write = ir.create_node(lt.write, [difference], [m])
    ir.set_inputs([a, b, d])
    ir.set_outputs([write])
    for node in (product, difference, write):
        ir.set_order(node, [(m, (4, 0))])
    with pytest.raises(UserError, match="no chain"):
        from_ir(ir.serialize())


@pytest.mark.parametrize("text", ["", "nonsense", "v:m\nn:99"])
def test_what_is_no_ir_is_refused(text):
    with pytest.raises(UserError):
        from_ir(text)


RUN_BOTH = """
import os, sys, numpy as np, loop_tool as lt
from rllib_envs.loop_nest.backend import compile_kernel
from rllib_envs.loop_nest.backend.memory import padded
from rllib_envs.loop_nest.loop_tool_tree import to_tree
from tests.rllib_envs.loop_nest.test_loop_tool_tree import example

for kind in sys.argv[2:]:
    # Powers of two only: loop_tool computes wrong results where a tail is itself split with a tail.
    state = example(kind, seed=int(sys.argv[1]), sizes=(2, 4, 8), without=("split_3", "split_6"))
    for _ in range(os.getpid() % 997):  # loop_tool writes /tmp/fn_N.c, N counted from 0 in every process
        lt.Compiler(to_tree(state))
    rng = np.random.default_rng(0)
    tensors = [padded(rng.standard_normal(count).astype(np.float32)) for count in state.statement.elements]
    raw = [lt.RawTensor(count) for count in state.statement.elements]
    for destination, tensor in zip(raw, tensors):
        destination.set(tensor)
    for _, constant in [step for step in state.statement.epilogue if not isinstance(step.operand, tuple)]:
        raw.append(lt.RawTensor(1))  # loop_tool has a tensor for it
        raw[-1].set(np.full(1, constant, np.float32))
    lt.cpp(to_tree(state))([*raw[1:], raw[0]])
    # loop_tool's own to_numpy has stride 0 under numpy 2
    theirs = np.lib.stride_tricks.as_strided(raw[0].to_numpy(), (tensors[0].size,), (4,))
    compile_kernel(state.statement, state.loops)(*tensors)
    assert np.allclose(theirs, tensors[0], atol=1e-4), (kind, np.abs(theirs - tensors[0]).max())
    print("same", kind)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_loop_tools_own_backend_computes_the_same(seed):
    """In a process of its own, because loop_tool may crash. It can't compile a bare copy."""
    kinds = [kind for kind, form in KINDS.items() if form.combine != "copy" or form.reduce != "none"]
    command = [sys.executable, "-c", RUN_BOTH, str(seed), *kinds]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("same") == len(kinds)
