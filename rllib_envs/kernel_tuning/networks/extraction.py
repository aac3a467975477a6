"""The kernels of an imported network. For processes with TVM alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tvm
from tvm.s_tir import meta_schedule as ms

from rllib_envs.kernel_tuning.expression import FUNCTION
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.networks.protocol import LeftOut, NetworkTask

FLOAT = "float32"


def extracted(module: Any, target: Any) -> Iterator[NetworkTask | LeftOut]:
    """Each different function once, with how often the network calls it; those of other types are left out."""
    for found in ms.relax_integration.extract_tasks(module, target):
        function = found.dispatched[0]
        tensors = ms.arg_info.ArgInfo.from_entry_func(function, remove_preproc=True)
        others = sorted({str(tensor.dtype) for tensor in tensors} - {FLOAT})
        name, weight = str(found.task_name), int(found.weight)
        if others:
            yield LeftOut(name, weight, f"it has tensors of {', '.join(others)}; only {FLOAT} is tuned")
            continue
        shapes = tuple(tuple(map(int, tensor.shape)) for tensor in tensors)
        yield NetworkTask(ModuleTask(name, tvm.ir.save_json(_named_main(function)), shapes), weight)


def _named_main(module: Any) -> Any:
    """The module whose only function is `main`, so that equal functions of different networks are equal."""
    ((_, function),) = module.functions.items()
    return tvm.IRModule({FUNCTION: function.with_attr("global_symbol", FUNCTION)})
