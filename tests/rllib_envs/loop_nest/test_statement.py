"""Statements: what can be said, and what is refused before anything is compiled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.statement import EpilogueStep, Statement
from rllib_envs.problem import Benchmark
from tests.conftest import matmul


def test_a_matrix_product():
    statement = make_statement("mm", {"m": 3, "n": 4, "k": 5})
    assert statement.sizes == (("m", 3), ("k", 5), ("n", 4)) and statement.reduced == ("k",)
    assert statement.flops == 2 * 3 * 4 * 5 and statement.elements == (12, 15, 20)
    assert dict(statement.inputs[0]) == {"m": 5, "k": 1}


def test_a_window_slides_over_its_image():
    statement = make_statement("conv2d", {"o": 4, "c": 2, "y": 5, "x": 6, "p": 3, "q": 3})
    image = dict(statement.inputs[0])
    assert image["y"] == image["p"] == 8 * 2 and image["x"] == image["q"] == 2 and image["c"] == 1
    assert statement.elements == (5 * 6 * 4, 7 * 8 * 2, 3 * 3 * 2 * 4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_a_statement(kind):
    statement = make_statement(kind, {name: 2 for name in KINDS[kind].size_names})
    assert statement.kind == kind and statement.flops > 0


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"m": 3, "n": 4}, "needs the sizes m, n, k"),
        ({"m": 3, "n": 4, "k": 0}, "size 0"),
        ({"m": 3, "n": 4, "k": -1}, "size -1"),
        ({"m": 3, "n": 4, "k": 2.5}, "whole number"),
        ({"m": 3, "n": 4, "k": True}, "whole number"),
        ({"m": 1 << 20, "n": 4, "k": 1 << 20}, "over the limit"),
    ],
)
def test_senseless_sizes_are_refused(sizes, message):
    with pytest.raises(UserError, match=message):
        make_statement("mm", sizes)


def test_overlapping_output_strides_are_refused():
    with pytest.raises(UserError, match="overlap"):
        Statement((("m", 4), ("n", 4)), (("m", 2), ("n", 1)), ((("m", 4), ("n", 1)),), combine="copy", reduce="none")


def test_a_window_moves_in_steps_of_two():
    statement = make_statement("conv2d_stride2", {"o": 4, "c": 2, "y": 5, "x": 6, "p": 3, "q": 3})
    image = dict(statement.inputs[0])
    assert image == {"y": 2 * 13 * 2, "p": 13 * 2, "x": 4, "q": 2, "c": 1}  # 11 x 13 pixels of 2 channels
    assert statement.elements[1] == 11 * 13 * 2


def test_an_epilogue_reads_its_tensors_last():
    statement = make_statement("mm_bias_relu", {"m": 3, "n": 4, "k": 5})
    assert statement.epilogue == (("add", (("n", 1),)), ("max", 0.0))
    assert statement.elements == (12, 15, 20, 4) and statement.tensor_names == "CABD"
    assert statement.flops == 2 * 3 * 4 * 5 + 2 * 3 * 4


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (("divide", 2.0), "unknown operation 'divide' in an epilogue"),
        (("add", float("nan")), "must be finite"),
        (("add", (("k", 1),)), "can only use the output's variables"),
        (("add", (("n", 0),)), "positive strides"),
    ],
)
def test_senseless_epilogues_are_refused(step, message):
    matmul = make_statement("mm", {"m": 3, "n": 4, "k": 5})
    with pytest.raises(UserError, match=message):
        replace(matmul, epilogue=(EpilogueStep(*step),))


def test_more_tensors_than_a_call_has_registers_for_are_refused():
    matmul = make_statement("mm", {"m": 3, "n": 4, "k": 5})
    assert replace(matmul, epilogue=(EpilogueStep("add", (("n", 1),)),) * 3).tensor_names == "CABDEF"
    with pytest.raises(UserError, match="7 tensors are over the limit of 6"):
        replace(matmul, epilogue=(EpilogueStep("add", (("n", 1),)),) * 4)


def test_a_map_must_write_every_variable():
    with pytest.raises(UserError, match="missing from its output"):
        Statement((("m", 4), ("n", 4)), (("m", 1),), ((("m", 4), ("n", 1)),), combine="copy", reduce="none")


def test_evaluation_is_verified_and_in_units_of_the_peak(loop_nest):
    evaluation = loop_nest.evaluate(loop_nest.initial(matmul(64, 64, 64)))
    assert evaluation.verified and evaluation.unit == "GFLOPS" and 0 < evaluation.value <= 1.05 * evaluation.scale


@pytest.mark.parametrize(
    "spec", [{}, {"kind": "mm"}, {"kind": 3, "sizes": {}}, {"kind": "mm", "sizes": {}, "extra": 1}]
)
def test_a_malformed_spec_is_refused(loop_nest, spec):
    with pytest.raises(UserError):
        loop_nest.initial(Benchmark("broken", "loop_nest", spec))
