"""Tensors for a function of a network, and what its result must be. For the process of TVM alone.

The reference is the same function without a schedule, compiled by TVM: it sums in the order in which it is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.expression import FUNCTION
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.workload import SEED, Workload

TOLERANCE = 1e-4
"""Of a result's element, relative to the largest: the rounding of the longest sums in convolutional networks, of some
5,000 products, comes to a hundredth of that, and a product that is missing to several times as much."""
RANGES = ((-1.0, 1.0), (0.5, 1.5))
"""Inputs are drawn from the first of these for which the result is finite: roots and logarithms want positive ones."""


def module_of(task: ModuleTask) -> Any:
    """The IRModule."""
    return tvm.ir.load_json(task.module)


def module_workload(task: ModuleTask, target: Any) -> Workload:
    """The same for the same task. UserError where it has more than the one result, or none that is finite."""
    function = tvm.compile(module_of(task), target=target).jit()[FUNCTION]
    for low, high in RANGES:
        rng = np.random.default_rng(SEED)
        given = [rng.uniform(low, high, shape).astype(np.float32) for shape in task.shapes]
        tensors = [tvm.runtime.tensor(values) for values in given]
        function(*tensors)
        *inputs, result = [tensor.numpy() for tensor in tensors]
        changed = [place for place, (one, other) in enumerate(zip(given, inputs, strict=False)) if (one != other).any()]
        if changed:
            raise UserError(
                f"{task.name} writes its argument {changed[0]}, too; only functions of one result are tuned"
            )
        if np.isfinite(result).all():
            tolerance = np.full(result.shape, TOLERANCE * float(np.abs(result).max()) or TOLERANCE)
            return Workload(tuple(inputs), result.astype(np.float64), tolerance)
    raise UserError(f"{task.name} has no finite result for random inputs; it can't be verified")
