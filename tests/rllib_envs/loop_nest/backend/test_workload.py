"""The gate: wrong kernels must not pass, whatever is wrong with them."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from rllib_envs.loop_nest.backend import Loop, compile_kernel
from rllib_envs.loop_nest.backend.memory import GUARD_BYTES, SLACK_BYTES
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.kinds import make_statement

STATEMENT = make_statement("mm", {"m": 20, "n": 30, "k": 40})
LOOPS = (Loop("m", 4), Loop("k", 1), Loop("m", 1), Loop("n", 1))


def float_at(address: int) -> ctypes.c_float:
    return ctypes.c_float.from_address(address)


def test_right_kernel_passes() -> None:
    workload = Workload(STATEMENT)
    kernel = compile_kernel(STATEMENT, LOOPS)
    for _ in range(2):
        assert workload.verify(lambda: kernel(*workload.addresses)) == ""


def test_doing_nothing_is_wrong() -> None:
    assert "wrong result in 600 of 600 elements" in Workload(STATEMENT).verify(lambda: None)


@pytest.mark.parametrize(
    "other",
    [
        replace(STATEMENT, combine="add"),
        replace(STATEMENT, reduce="max"),
        replace(STATEMENT, sizes=(("m", 20), ("k", 39), ("n", 30))),  # leaves out one term of each sum
        replace(STATEMENT, sizes=(("m", 19), ("k", 40), ("n", 30))),  # leaves out the last row
    ],
)
def test_other_computation_is_wrong(other: type(STATEMENT)) -> None:  # type: ignore[valid-type]
    workload = Workload(STATEMENT)
    kernel = compile_kernel(other, LOOPS)
    assert "wrong result" in workload.verify(lambda: kernel(*workload.addresses))


def test_accumulating_into_c_is_wrong() -> None:
    """C holds NaN before the run, so what a kernel adds to it stays NaN."""
    workload = Workload(STATEMENT)
    kernel = compile_kernel(STATEMENT, LOOPS)

    def run() -> None:
        before = float_at(workload.addresses[0]).value
        kernel(*workload.addresses)
        float_at(workload.addresses[0]).value += before

    assert "wrong result in 1 of 600 elements" in workload.verify(run)


@pytest.mark.parametrize("distance", [-4, -GUARD_BYTES, 4 * 600, 4 * 600 + SLACK_BYTES])
def test_writing_around_c_is_refused(distance: int) -> None:
    workload = Workload(STATEMENT)
    kernel = compile_kernel(STATEMENT, LOOPS)

    def run() -> None:
        kernel(*workload.addresses)
        float_at(workload.addresses[0] + distance).value = 1.0

    assert workload.verify(run) == "wrote outside the elements of C"


@pytest.mark.parametrize(("tensor", "name"), [(1, "A"), (2, "B")])
@pytest.mark.parametrize("distance", [0, -4])
def test_changing_an_input_is_refused(tensor: int, name: str, distance: int) -> None:
    workload = Workload(STATEMENT)
    kernel = compile_kernel(STATEMENT, LOOPS)

    def run() -> None:
        kernel(*workload.addresses)
        float_at(workload.addresses[tensor] + distance).value = 7.0

    assert workload.verify(run) == f"changed its input {name} or the memory around it"


def test_remembering_the_first_answer_is_wrong() -> None:
    workload = Workload(STATEMENT)
    kernel = compile_kernel(STATEMENT, LOOPS)
    answer: list[np.ndarray] = []

    def run() -> None:
        output = workload.tensors[0]
        if answer:
            output[:] = answer[0]
        else:
            kernel(*workload.addresses)
            answer.append(output.copy())

    assert "wrong result" in workload.verify(run)
