"""A function that TVM has compiled, called through its C interface: no Python runs, and nothing is allocated.

What is timed is `TVMFFIFunctionCall` of tvm_ffi/c_api.h with the tensors as DLTensors, some 70 cycles of checks in the
compiled code included.
"""

from __future__ import annotations

import ctypes
from math import prod
from typing import Any

import tvm
import tvm_ffi

from eval.baselines.shapes import shaped_tensors
from rllib_envs.loop_nest.backend.child import Call
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.tvm_host import target

CPU = 1
"""kDLCPU of dlpack.h."""
FLOAT = 2
"""kDLFloat."""
DL_TENSOR = 7
"""kTVMFFIDLTensorPtr."""


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )


class _Any(ctypes.Structure):
    _fields_ = (("type_index", ctypes.c_int32), ("padding", ctypes.c_uint32), ("pointer", ctypes.c_void_p))


def compiled(module: Any) -> Any:
    """The function `main` of an IRModule as machine code of this processor. It keeps its code alive."""
    return tvm.compile(module, target=target()).jit()["main"]


class Arguments:
    """The tensors of a workload as a compiled function takes them."""

    def __init__(self, workload: Workload) -> None:
        shapes = [tensor.extents for tensor in shaped_tensors(workload.statement)]
        self._workload = workload  # whose memory the tensors lie in
        self._shapes = [(ctypes.c_int64 * len(shape))(*shape) for shape in shapes]
        self._strides = [(ctypes.c_int64 * len(shape))(*_row_major(shape)) for shape in shapes]
        self._tensors = [
            _DLTensor(data, CPU, 0, len(shape), FLOAT, 32, 1, ctypes.addressof(shape), ctypes.addressof(strides), 0)
            for data, shape, strides in zip(workload.addresses, self._shapes, self._strides, strict=True)
        ]
        pointers = [_Any(DL_TENSOR, 0, ctypes.addressof(tensor)) for tensor in self._tensors]
        self._pointers = (_Any * len(pointers))(*pointers)
        self._result = _Any()
        library = ctypes.CDLL(tvm_ffi.libinfo.find_libtvm_ffi())
        self._call = ctypes.cast(library.TVMFFIFunctionCall, ctypes.c_void_p).value or 0

    def call(self, function: Any) -> Call:
        """Of `int TVMFFIFunctionCall(function, arguments, their number, result)`."""
        handles = (function.__chandle__(), ctypes.addressof(self._pointers), len(self._pointers))
        return Call(self._call, (*handles, ctypes.addressof(self._result)), kept=(self, function))


def _row_major(shape: tuple[int, ...]) -> list[int]:
    """Strides in elements."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]
