"""Tensors to run a statement's kernels on, and the check that they compute it and do nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rllib_envs.loop_nest.backend.memory import UNTOUCHED, FloatArray, GuardedTensor
from rllib_envs.loop_nest.backend.reference import DoubleArray, output_view, reference
from rllib_envs.loop_nest.statement import Statement

CASES = 2
"""Input sets that every kernel is checked on; with one, a kernel might answer what it has seen before."""


class _Case(NamedTuple):
    inputs: tuple[FloatArray, ...]
    lowest: FloatArray
    """The smallest acceptable value of each element of C, with the dimensions of `output_view`."""
    highest: FloatArray


class Workload:
    """The tensors of one statement, made once for all its kernels. Inputs are standard normal."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._output, *self._inputs = (GuardedTensor(elements) for elements in statement.elements)
        self._result = output_view(statement, self._output.values)
        self._result_bits = output_view(statement, self._output.values_bits)
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
        values, tolerance = reference(self.statement, inputs)
        return _Case(inputs, -_largest_below(tolerance - values), _largest_below(values + tolerance))

    def _error(self, case: _Case) -> str:
        right = (case.lowest <= self._result) & (self._result <= case.highest)  # NaN is wrong
        if not right.all():
            return self._worst(case, right)
        self._result_bits[...] = UNTOUCHED
        if not self._output.untouched():
            return "wrote outside the elements of C"
        for name, tensor, values in zip(self.statement.tensor_names[1:], self._inputs, case.inputs, strict=True):
            if not tensor.holds(values):
                return f"changed its input {name} or the memory around it"
        return ""

    def _worst(self, case: _Case, right: NDArray[np.bool_]) -> str:
        excess = np.maximum(case.lowest - self._result, self._result - case.highest)
        where = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
        expected = (float(case.lowest.flat[where]) + float(case.highest.flat[where])) / 2
        return (
            f"wrong result in {right.size - np.count_nonzero(right)} of {right.size} elements, worst "
            f"{self._result.flat[where]:.6g} instead of {expected:.6g}"
        )


def _largest_below(bounds: DoubleArray) -> FloatArray:
    """The largest float32 that is no larger than each bound: what float32 is within one is then within the other."""
    nearest = bounds.astype(np.float32)
    below: FloatArray = np.where(nearest > bounds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return below
