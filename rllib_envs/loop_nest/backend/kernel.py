"""From a schedule to something that can be called."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.backends import AUTO, MACHINE_CODE, choose_backend
from rllib_envs.loop_nest.backend.emit_llvm import FUNCTION, emit_llvm
from rllib_envs.loop_nest.backend.emit_x86 import emit_x86
from rllib_envs.loop_nest.backend.llvm_code import LoadedObject, compile_ir, host_target
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.memory import ExecutableCode, FloatArray
from rllib_envs.loop_nest.statement import MAX_TENSORS, Statement

_SIGNATURES = [ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * count) for count in range(MAX_TENSORS + 1)]


class Executable(Protocol):
    """Code in memory, which it keeps allocated while it lives."""

    address: int


class Kernel:
    """A statement compiled for one schedule. It overwrites C; C must not overlap an input."""

    def __init__(self, statement: Statement, code: bytes, load: Callable[[bytes], Executable]) -> None:
        self.statement = statement
        self.code = code
        """The compiled `void kernel(float *C, const float *A, const float *B, ...)`, in the form that `load` takes."""
        self._load = load

    @cached_property
    def _executable(self) -> Executable:
        return self._load(self.code)

    @property
    def address(self) -> int:
        """Address of the code; valid while the kernel lives."""
        return self._executable.address

    def __call__(self, output: FloatArray | int, *inputs: FloatArray | int) -> None:
        """Run on flat float32 arrays or addresses. Inputs need slack behind them: see `memory.padded`."""
        tensors = (output, *inputs)
        if len(tensors) != len(self.statement.elements):
            raise UserError(f"the kernel works on {len(self.statement.elements)} tensors, got {len(tensors)}")
        addresses = [_address(tensor, size) for tensor, size in zip(tensors, self.statement.elements, strict=True)]
        _SIGNATURES[len(addresses)](self.address)(*addresses)


def compile_kernel(statement: Statement, loops: Schedule, backend: str = AUTO, slack: bool = True) -> Kernel:
    """Compile a schedule in this process. With `slack`, the kernel may read a little beyond its inputs: see `emit_x86`.

    Takes well below a millisecond where machine code is emitted directly ("avx512", "avx2"), and some ten milliseconds
    where LLVM does it ("llvm"). Raises UserError for a schedule that is not legal or an unknown backend,
    UnsupportedProcessor where the code could not run, and MissingPackage where llvmlite is needed.
    """
    chosen = choose_backend(backend)
    if chosen in MACHINE_CODE:
        return Kernel(statement, emit_x86(statement, loops, MACHINE_CODE[chosen].instructions, slack), ExecutableCode)
    code = compile_ir(emit_llvm(statement, loops, host_target(), slack))
    return Kernel(statement, code, partial(LoadedObject, function=FUNCTION))


def _address(tensor: FloatArray | int, elements: int) -> int:
    if isinstance(tensor, int):
        return tensor
    if tensor.dtype != np.float32 or not tensor.flags.c_contiguous or tensor.size < elements:
        raise UserError(f"need at least {elements} contiguous float32 values, got {tensor.size} of {tensor.dtype}")
    return tensor.ctypes.data
