"""A task as a function of TVM that can be scheduled. For the process of TVM alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tvm
from tvm import te, topi

from rllib_envs.kernel_tuning.operators import Sizes
from rllib_envs.kernel_tuning.task import KernelTask

Compute = Callable[[Sizes, Any, Any], Any]
FUNCTION = "main"


def _conv2d(sizes: Sizes, data: Any, weight: Any) -> Any:
    return topi.nn.conv2d(data, weight, sizes["stride"], sizes["padding"], 1, "NCHW")


def _depthwise(sizes: Sizes, data: Any, weight: Any) -> Any:
    return topi.nn.depthwise_conv2d_nchw(data, weight, sizes["stride"], sizes["padding"], 1)


COMPUTE: Mapping[str, Compute] = {
    "dense": lambda _, data, weight: topi.matmul(data, weight),
    "batch_matmul": lambda _, data, weight: topi.nn.batch_matmul(data, weight, transpose_b=False),
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
}


def module(task: KernelTask) -> Any:
    """An IRModule with the function `main`, which takes the task's tensors in the order of its shapes."""
    names = ("data", "weight", "bias")
    inputs = [te.placeholder(shape, name=name) for name, shape in zip(names, task.shapes[:-1], strict=False)]
    result = COMPUTE[task.operator](task.size, inputs[0], inputs[1])
    for step in task.epilogue:
        result = topi.nn.relu(result) if step == "relu" else _with_bias(task, result, inputs[2])
    function = te.create_prim_func([*inputs, result])
    # Some operators let a schedule have the weight in a layout of its own; ours take the tensors as the task says.
    function = function.without_attr("layout_free_buffers")
    return tvm.IRModule({FUNCTION: function.with_attrs({"tirx.noalias": True, "global_symbol": FUNCTION})})


def _with_bias(task: KernelTask, result: Any, bias: Any) -> Any:
    axis = task.form.channels
    return te.compute(result.shape, lambda *place: result(*place) + bias(place[axis]), name="with_bias")
