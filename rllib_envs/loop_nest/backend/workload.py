"""Tensors to run a statement's kernels on, and the check that they compute it and do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rllib_envs.loop_nest.backend.memory import UNTOUCHED, FloatArray, GuardedTensor
from rllib_envs.loop_nest.backend.reference import DoubleArray, output_view, reference
from rllib_envs.loop_nest.statement import Statement

CASES = 2
"""Input sets that every kernel is checked on; with one, a kernel might answer what it has seen before."""


class _Case(NamedTuple):
    inputs: tuple[FloatArray, ...]
    expected: DoubleArray
    tolerance: DoubleArray


class Workload:
    """The tensors of one statement, made once for all its kernels. Inputs are standard normal."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._output, *self._inputs = (GuardedTensor(elements) for elements in statement.elements)
        self._cases = [self._case(seed) for seed in range(CASES)]
        self.addresses = tuple(tensor.address for tensor in (self._output, *self._inputs))
        """Of the tensors, in the order of the kernel's arguments."""

    @property
    def tensors(self) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        """C, and the inputs, as flat arrays."""
        return self._output.values, tuple(tensor.values for tensor in self._inputs)

    def verify(self, run: Callable[[], None]) -> str:
        """Run a kernel on each case. Returns what is wrong with the results, or "" when nothing is.

        C is filled with NaN before each run, and the inputs are restored, so that no kernel can profit or
        suffer from what another one left behind. After the last case the tensors are ready for timing.
        """
        for case in self._cases:
            self._output.clear()
            for tensor, values in zip(self._inputs, case.inputs, strict=True):
                tensor.values[:] = values
            run()
            error = self._error(case)
            if error:
                return error
        return ""

    def _case(self, seed: int) -> _Case:
        generator = np.random.default_rng(seed)
        elements = self.statement.elements[1:]
        inputs = tuple(generator.standard_normal(count, dtype=np.float32) for count in elements)
        return _Case(inputs, *reference(self.statement, inputs))

    def _error(self, case: _Case) -> str:
        result = output_view(self.statement, self._output.values)
        excess = np.abs(result - case.expected) - case.tolerance
        wrong = int(excess.size - np.count_nonzero(excess <= 0))  # counts NaN as wrong
        if wrong:
            where = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
            return (
                f"wrong result in {wrong} of {excess.size} elements, worst {result.flat[where]:.6g} "
                f"instead of {case.expected.flat[where]:.6g}"
            )
        output_view(self.statement, self._output.values_bits)[...] = UNTOUCHED
        if not self._output.untouched():
            return "wrote outside the elements of C"
        for name, tensor, values in zip(self.statement.tensor_names[1:], self._inputs, case.inputs, strict=True):
            if not tensor.holds(values):
                return f"changed its input {name} or the memory around it"
        return ""
