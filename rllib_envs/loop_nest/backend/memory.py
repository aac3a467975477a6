"""Memory for generated code, and guarded memory for the tensors that it works on."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rllib_envs.errors import TunewrightError

SLACK_BYTES = 64
"""Readable bytes behind each tensor. Generated code loads whole vectors, so up to 60 bytes too far."""
GUARD_BYTES = 4096
"""Bytes before a tensor and behind its slack that nothing may write to: a page, so tensors start at one."""
UNTOUCHED = 0x7FC0DEAD
"""Bits of a float32 that no computation produces: a NaN with a payload of its own."""

REMEDY = "allow it for this process (SELinux: execmem; a container or unit: seccomp, MemoryDenyWriteExecute)"

FloatArray = NDArray[np.float32]


class ExecutableMemoryError(TunewrightError):
    """The system does not let this process execute code that it has written."""

    exit_code = 3


class ExecutableCode:
    """Machine code in memory of its own; `address` is valid as long as this object lives."""

    def __init__(self, code: bytes) -> None:
        try:
            self._memory = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            self._memory.write(code)
        except OSError:
            self._memory = _from_file_in_memory(code)
        self.address: int = np.frombuffer(self._memory, dtype=np.uint8).ctypes.data


def _from_file_in_memory(code: bytes) -> mmap.mmap:
    """The same where memory may be writable or executable but not both, as systemd's MemoryDenyWriteExecute has it."""
    try:
        descriptor = os.memfd_create("tunewright code")
        try:
            os.write(descriptor, code)
            return mmap.mmap(descriptor, len(code), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ExecutableMemoryError(
            f"the system refuses executable memory ({error.strerror}), so loop nests can't be compiled; {REMEDY}"
        ) from error


def require_executable_after_writing() -> None:
    """Raise ExecutableMemoryError where written memory can't be made executable; LLVM would crash there."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        address = ctypes.c_void_p(np.frombuffer(memory, dtype=np.uint8).ctypes.data)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_EXEC) != 0:
            raise ExecutableMemoryError(
                f"the system refuses to make written memory executable ({os.strerror(ctypes.get_errno())}), which LLVM "
                f"needs; choose backend avx512 or avx2 if the processor has them, or {REMEDY}"
            )


class GuardedTensor:
    """A flat float32 tensor between guards, with slack. Everything outside the tensor holds UNTOUCHED."""

    def __init__(self, elements: int) -> None:
        size = 4 * elements
        guarded = GUARD_BYTES + size + SLACK_BYTES + GUARD_BYTES
        self._memory = mmap.mmap(-1, -(-guarded // mmap.PAGESIZE) * mmap.PAGESIZE)
        self.bits: NDArray[np.uint32] = np.frombuffer(self._memory, dtype=np.uint32)
        """The tensor with slack and guards, as raw bits."""
        self.bits[:] = UNTOUCHED
        start = GUARD_BYTES // 4
        self._span = (start, start + elements)
        self.values_bits = self.bits[start : start + elements]
        """The tensor itself, as raw bits, of shape (elements,)."""
        self.values: FloatArray = self.values_bits.view(np.float32)
        """The tensor itself, of shape (elements,)."""
        self.address = self.values.ctypes.data

    def clear(self) -> None:
        """Set the tensor to UNTOUCHED."""
        self.values_bits[:] = UNTOUCHED

    def untouched(self) -> bool:
        """Whether the tensor and everything around it hold UNTOUCHED."""
        return bool((self.bits == UNTOUCHED).all())

    def holds(self, values: FloatArray) -> bool:
        """Whether the tensor holds exactly these values, and everything around it UNTOUCHED."""
        start, stop = self._span
        inside = np.array_equal(self.bits[start:stop], values.view(np.uint32))
        return inside and bool((self.bits[:start] == UNTOUCHED).all() and (self.bits[stop:] == UNTOUCHED).all())


def padded(values: NDArray[Any]) -> FloatArray:
    """A flat float32 copy with SLACK_BYTES of readable memory behind it, to call kernels on."""
    flat = np.asarray(values, dtype=np.float32).ravel()
    memory = np.zeros(flat.size + SLACK_BYTES // 4, dtype=np.float32)
    memory[: flat.size] = flat
    return memory[: flat.size]
