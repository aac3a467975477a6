"""Random tensors for a kernel, and what its output must be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rllib_envs.kernel_tuning.task import KernelTask

SEED = 0
UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of rounding to float32."""


class Workload(NamedTuple):
    """Inputs and the output that they must give."""

    inputs: tuple[np.ndarray, ...]
    """float32; data, weight, and the bias where there is one."""
    expected: np.ndarray
    """float64"""
    tolerance: np.ndarray
    """float64; the largest acceptable error of each element."""

    def fault(self, output: np.ndarray) -> str:
        """What is wrong with an output; empty where nothing is."""
        error = np.abs(output - self.expected)
        wrong = ~(error <= self.tolerance)  # so that a NaN, which nothing has written to, counts as wrong
        if not wrong.any():
            return ""
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        where = ", ".join(map(str, place))
        return (
            f"{int(wrong.sum())} of {wrong.size} elements are wrong, the first at [{where}]: "
            f"{output[place]:.6g} instead of {self.expected[place]:.6g}"
        )


def make_workload(task: KernelTask) -> Workload:
    """The same for the same task.

    In whatever order the n products are summed, and fused or not, the sum is off by at most n unit roundoffs of the sum
    of their magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1); a bias adds one
    more, and relu none.
    """
    rng = np.random.default_rng(SEED)
    inputs = tuple(rng.uniform(-1, 1, shape).astype(np.float32) for shape in task.shapes[:-1])
    doubles = [values.astype(np.float64) for values in inputs]
    compute, size = task.form.compute, task.size
    expected = compute(size, doubles[0], doubles[1])
    magnitude = compute(size, np.abs(doubles[0]), np.abs(doubles[1]))
    for step in task.epilogue:
        if step == "relu":
            expected = np.maximum(expected, 0.0)
            continue
        shape = [1] * expected.ndim
        shape[task.form.channels] = -1
        expected = expected + doubles[2].reshape(shape)
        magnitude = magnitude + np.abs(doubles[2]).reshape(shape)
    terms = task.form.terms(size) + 2
    return Workload(inputs, expected, magnitude * terms * UNIT_ROUNDOFF)
