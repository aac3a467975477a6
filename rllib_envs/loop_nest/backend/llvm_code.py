"""Compile LLVM IR in memory with llvmlite."""

from __future__ import annotations

from collections.abc import Set
from functools import cache
from typing import Any

from rllib_envs.errors import MissingPackage
from rllib_envs.loop_nest.backend.memory import require_executable_after_writing
from rllib_envs.loop_nest.backend.plan import Target

OPTIMISATION = 1
"""The first level that keeps accumulators in registers; higher levels take longer and find nothing more."""


class LoadedObject:
    """An object file in memory, ready to run; `address` is that of one function, valid while this object lives."""

    def __init__(self, code: bytes, function: str) -> None:
        binding = _binding()
        _require_executable_memory()
        # The engine owns the target machine that it is made with, so each engine needs one of its own.
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
        self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(function)


def compile_ir(ir: str) -> bytes:
    """The object file of a module, for this processor."""
    return bytes(_emitting_machine().emit_object(_binding().parse_assembly(ir)))


def assembly_of(ir: str) -> str:
    """Position-independent assembly of a module, for this processor."""
    return str(_target_machine(jit=False).emit_assembly(_binding().parse_assembly(ir)))


def assemble(assembly: str) -> bytes:
    """The object file of assembly source, for this processor."""
    binding = _binding()
    binding.initialize_native_asmparser()
    lines = (line.replace("\\", "\\5C").replace('"', "\\22") for line in assembly.splitlines())
    module = "\n".join(f'module asm "{line}"' for line in lines)
    return bytes(_target_machine(jit=False).emit_object(binding.parse_assembly(module)))


def host_target() -> Target:
    """The vector unit of this processor, as LLVM knows it."""
    architecture = _binding().get_process_triple().partition("-")[0]
    features = _host_features()
    return vector_unit(architecture, {name for name, present in features.items() if present})


def vector_unit(architecture: str, features: Set[str]) -> Target:
    """The widest vectors that a plan can count on; four lanes where nothing is known, which LLVM splits if it must."""
    if architecture in ("aarch64", "arm64"):
        return Target(lanes=4, registers=32)  # NEON, which is part of the architecture
    if features >= {"avx512f", "avx512vl"}:
        return Target(lanes=16, registers=32)
    if features >= {"avx2", "fma"}:
        return Target(lanes=8, registers=16)
    return Target(lanes=4, registers=16)


@cache
def _emitting_machine() -> Any:
    return _target_machine()


def _target_machine(jit: bool = True) -> Any:
    binding = _binding()
    return binding.Target.from_triple(binding.get_process_triple()).create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.FeatureMap(_host_features()).flatten(),
        opt=OPTIMISATION,
        reloc="default" if jit else "pic",
        jit=jit,
    )


@cache
def _host_features() -> dict[str, bool]:
    """Features of this processor; empty where LLVM can't tell them, so that those of `cpu` hold."""
    try:
        return dict(_binding().get_host_cpu_features())
    except RuntimeError:
        return {}


@cache
def _require_executable_memory() -> None:
    require_executable_after_writing()


@cache
def _binding() -> Any:
    try:
        from llvmlite import binding  # type: ignore[import-not-found, import-untyped]
    except ImportError as error:
        raise MissingPackage(
            "the llvm backend, the only one for a processor without AVX2, needs llvmlite: pip install llvmlite"
        ) from error
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding
