"""The numpy reference against loops written out in Python."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from rllib_envs.loop_nest.backend import reference as module
from rllib_envs.loop_nest.backend.memory import padded
from rllib_envs.loop_nest.backend.numpy_run import numpy_run
from rllib_envs.loop_nest.backend.reference import output_view, reference
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.statement import EpilogueStep, Statement

SIZES = {"m": 5, "n": 6, "k": 7, "b": 2, "o": 3, "c": 2, "y": 4, "x": 5, "p": 2, "q": 3}
COMBINE: dict[str, Callable[[float, float], float]] = {
    "multiply": lambda a, b: a * b,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "max": max,
    "min": min,
}
REDUCE: dict[str, Callable[[float, float], float]] = {"add": lambda a, b: a + b, "max": max, "min": min}

STATEMENTS = [
    *(make_statement(kind, {name: SIZES[name] for name in form.order.split()}) for kind, form in KINDS.items()),
    *(
        Statement((("m", 5), ("n", 6), ("k", 3)), (("m", 1),), ((("m", 3), ("k", 1)), (("n", 2),)), combine, reduce)
        for combine in COMBINE
        for reduce in REDUCE
    ),
    Statement((("m", 5), ("r", 3)), (("m", 2),), ((("m", 1),),), "copy", "add"),  # each element counts three times
    Statement((("m", 5), ("n", 6)), (), ((("m", 6), ("n", 1)),), "copy", "min"),
    *(
        Statement(
            (("m", 5), ("n", 6)),
            (("m", 1),),
            ((("m", 6), ("n", 1)),),
            "copy",
            "add",
            (EpilogueStep(operation, (("m", 2),)), EpilogueStep("max", -0.5), EpilogueStep("multiply", ())),
        )
        for operation in COMBINE
    ),
]


def by_hand(statement: Statement, inputs: tuple[np.ndarray, ...]) -> dict[int, float]:
    """Values of C by offset."""
    result: dict[int, float] = {}
    operands: dict[int, list[float]] = {}
    names = list(statement.size)
    for point in product(*(range(size) for size in statement.size.values())):
        at = dict(zip(names, point, strict=True))
        offsets = [sum(at[var] * stride for var, stride in access) for access in statement.accesses]
        read = [float(values[offset]) for values, offset in zip(inputs, offsets[1:], strict=True)]
        terms = read[: len(statement.inputs)]
        term = terms[0] if statement.combine == "copy" else COMBINE[statement.combine](*terms)
        seen = result.get(offsets[0])
        result[offsets[0]] = term if seen is None else REDUCE[statement.reduce](seen, term)
        operands[offsets[0]] = read[len(statement.inputs) :]
    for offset in result:
        for operation, operand in statement.epilogue:
            value = operands[offset].pop(0) if isinstance(operand, tuple) else operand
            result[offset] = COMBINE[operation](result[offset], value)
    return result


def random_inputs(statement: Statement) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(0)
    return tuple(padded(generator.standard_normal(count)) for count in statement.elements[1:])


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: f"{s.kind}-{s.combine}-{s.reduce}")
def test_reference_and_numpy_baseline(statement: Statement) -> None:
    inputs = random_inputs(statement)
    offsets = output_view(statement, np.arange(statement.elements[0]))
    expected = by_hand(statement, inputs)
    result, tolerance = reference(statement, inputs)
    np.testing.assert_allclose(result, np.vectorize(expected.__getitem__)(offsets), rtol=1e-12, atol=1e-12)
    output = np.full(statement.elements[0], np.nan, dtype=np.float32)
    numpy_run(statement, output, inputs)()
    assert (np.abs(output_view(statement, output) - result) <= tolerance).all()


def test_expansion_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POINTS_AT_ONCE", 7)
    for statement in [statement for statement in STATEMENTS if not statement.epilogue][-6:]:
        inputs = random_inputs(statement)
        whole = reference(statement, inputs).values
        parts = module._by_expansion(statement, tuple(values.astype(np.float64) for values in inputs))
        np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-12)


def test_tolerance_grows_with_the_reduction_but_tells_a_missing_term() -> None:
    for k in (1, 64, 4096):
        statement = make_statement("mm", {"m": 4, "n": 4, "k": k})
        inputs = random_inputs(statement)
        allowed = reference(statement, inputs).tolerance
        assert (allowed < 0.01).all(), "a term of the sum is about 1"
        assert (allowed > k * 2.0**-24).all()


def test_tolerance_covers_repeated_terms_that_cancel_in_the_end() -> None:
    """Found by fuzz_kernels.py with seed 1001, case 10512: no input reads n."""
    statement = Statement((("m", 21), ("n", 11), ("k", 18)), (("k", 1),), ((("k", 1), ("m", 18)),), "copy", "add")
    generator = np.random.default_rng(0)
    for _ in range(200):
        inputs = (padded(generator.standard_normal(statement.elements[1])),)
        result, tolerance = reference(statement, inputs)
        terms = np.repeat(inputs[0].reshape(21, 18), 11, axis=0)
        summed = np.add.accumulate(terms, axis=0)[-1]
        assert summed.dtype == np.float32
        assert (np.abs(summed - result) <= tolerance).all()
