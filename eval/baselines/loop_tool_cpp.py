"""The untuned nest by loop_tool's own compiler, which writes C and leaves it to `cc -O3`.

loop_tool 0.1.0 compiles /tmp/fn_<number>.c to a library of that name, which it does not remove. Its function takes the
inputs, the output and scratch memory, and is called directly, without Python.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import loop_tool as lt
import numpy as np

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Library, Prepared
from eval.baselines.protocol import NotAvailable
from rllib_envs.loop_nest.backend.child import Call, MeasuringBench
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.loop_tool_tree import to_tree
from rllib_envs.loop_nest.state import untuned
from rllib_envs.loop_nest.statement import Statement

FOLDER = Path("/tmp")
FILES = "fn_*.so"


def load(bench: MeasuringBench) -> Library:
    return {"loop_tool": prepare}


def prepare(workload: Workload, limits: TuningLimits) -> Prepared:
    began = time.perf_counter()
    statement = workload.statement
    tree = to_tree(untuned(statement))
    with _one_at_a_time():
        code = _compile(tree, statement)
    seconds = time.perf_counter() - began
    memory, kept = _memory(tree, workload)
    call = Call(_address(code), (ctypes.addressof(memory),), kept=(code, memory, kept))
    how = f"loop_tool {metadata.version('loop_tool')}, untuned nest, cpp backend (cc -O3)"
    return Prepared(call, how, seconds)


def _compile(tree: Any, statement: Statement) -> Any:
    """The compiled function."""
    before = _libraries()
    try:
        lt.cpp(tree)
    except RuntimeError as error:
        raise NotAvailable(f"not available for {statement.kind}: loop_tool says {str(error).strip()}") from None
    new = [path for path, made in _libraries().items() if before.get(path) != made]
    if len(new) != 1:
        raise NotAvailable("loop_tool's cpp backend has compiled nothing; it needs a C compiler: install gcc or clang")
    function = ctypes.CDLL(str(new[0]))[new[0].stem]
    new[0].unlink()
    return function


def _memory(tree: Any, workload: Workload) -> tuple[Any, list[Any]]:
    """What the function takes: pointers to the inputs, constants included, to C, and to scratch memory for the rest."""
    statement, (output, *inputs) = workload.statement, workload.addresses
    allocations = lt.Compiler(tree).allocations
    scratch_size = max(allocation.size for allocation in allocations.values())
    kept: list[Any] = [workload]
    pointers = inputs[: len(statement.inputs)]
    tensors = iter(inputs[len(statement.inputs) :])
    for _, operand in statement.epilogue:
        if isinstance(operand, tuple):
            pointers.append(next(tensors))
        else:
            kept.append(np.array([operand], dtype=np.float32))
            pointers.append(kept[-1].ctypes.data)
    pointers.append(output)
    while len(pointers) < len(allocations):
        kept.append(np.zeros(scratch_size, dtype=np.float32))
        pointers.append(kept[-1].ctypes.data)
    return (ctypes.c_void_p * len(pointers))(*pointers), kept


def _libraries() -> dict[Path, tuple[int, int]]:
    """When each was made, and under which number of the file system."""
    found = ((path, path.stat()) for path in FOLDER.glob(FILES))
    return {path: (status.st_mtime_ns, status.st_ino) for path, status in found}


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Among the processes of this user: they would write to the same files."""
    with (Path(tempfile.gettempdir()) / f"tunewright-loop-tool-{os.getuid()}").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
