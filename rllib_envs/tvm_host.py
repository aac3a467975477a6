"""TVM in this process: what has to be so before its first import, and the processor as a target of its compiler."""

from __future__ import annotations

import logging
import os
import sys
from types import ModuleType
from typing import Any, NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.processor import processor_flags

UNNEEDED_INTRINSICS = ("cuda", "rocm", "hexagon", "arm_cpu", "riscv_cpu")
"""Of other processors. Every TuneContext of TVM 0.27 imports them, for some twenty seconds, and uses none of them."""
VNNI = frozenset({"avx512_vnni", "avx_vnni"})
"""Processors without these products of bytes need none of the intrinsics for x86 either, which take another second."""


def prepare_import() -> None:
    """To be called before anything imports TVM."""
    os.environ["TVM_NUM_THREADS"] = "1"  # with more, a process that is forked after a kernel has run hangs
    sys.modules["torch"] = None  # type: ignore[assignment]  # TVM would import it first, for 3 s and 200 MB
    for name in UNNEEDED_INTRINSICS if processor_flags() & VNNI else (*UNNEEDED_INTRINSICS, "x86"):
        module = f"tvm.s_tir.tensor_intrin.{name}"
        sys.modules[module] = ModuleType(module)
    logging.getLogger("tvm").setLevel(logging.ERROR)


def allow_torch() -> None:
    """Undo what `prepare_import` does to PyTorch: for those who need it, and, once TVM is imported, for XGBoost, whose
    libraries look whether it is there and don't expect that it is None."""
    sys.modules.pop("torch", None)


class Vectors(NamedTuple):
    """The vector unit of this processor."""

    lanes: int
    """float32 values in a register."""
    registers: int


def version() -> str:
    import tvm

    return f"TVM {tvm.__version__}"


def target(processor: str = "") -> Any:
    """One core of this processor, or of one that LLVM knows by that name. UserError when its code can't run here."""
    import tvm

    if processor:
        _require_runs_here(processor)
        return tvm.target.Target({"kind": "llvm", "mcpu": processor, "num-cores": 1})
    # LLVM's name for it may stand for features that a virtual machine hides.
    features = [
        f"{'+' if present else '-'}{name}" for name, present in _features().items() if name.startswith(("avx", "fma"))
    ]
    return tvm.target.Target({"kind": "llvm", "mcpu": _own_name(), "mattr": sorted(features), "num-cores": 1})


def _require_runs_here(processor: str) -> None:
    from tvm.target import codegen

    if not codegen.llvm_is_valid_cpu(processor, codegen.llvm_get_system_triple()):
        raise UserError(
            f"target {processor!r} is not on this machine: kernels are tuned for its processor ({_own_name()}); "
            "leave the target out"
        )
    import tvm

    needed = codegen.llvm_get_cpu_features(tvm.target.Target({"kind": "llvm", "mcpu": processor}))
    features = _features()
    lacking = sorted(name for name in map(str, needed) if features.get(name) is False)
    if lacking:
        raise UserError(
            f"target {processor!r} has {', '.join(lacking[:5])}, which this machine's processor ({_own_name()}) lacks; "
            "leave the target out"
        )


def _own_name() -> str:
    import tvm

    return str(tvm.get_global_func("target.llvm_get_system_cpu")())


def vectors() -> Vectors:
    features = _features()
    if features.get("avx512f"):
        return Vectors(16, 32)
    if features.get("avx"):
        return Vectors(8, 16)
    return Vectors(4, 16)


def _features() -> dict[str, bool]:
    import tvm

    found = tvm.get_global_func("tvm.codegen.llvm.GetHostCPUFeatures")()
    return {str(name): bool(present) for name, present in found.items()}
