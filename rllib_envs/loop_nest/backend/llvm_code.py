"""Compile LLVM IR in memory with llvmlite."""

from __future__ import annotations

from functools import cache
from typing import Any

from rllib_envs.errors import MissingPackage

OPTIMISATION = 1
"""The first level that keeps accumulators in registers; higher levels take longer and find nothing more."""


class LoadedObject:
    """An object file in memory, ready to run; `address` is that of one function, valid while this object lives."""

    def __init__(self, code: bytes, function: str) -> None:
        binding = _binding()
        # The engine owns the target machine that it is made with, so each engine needs one of its own.
        self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
        self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(function)


def compile_ir(ir: str) -> bytes:
    """The object file of a module, for this processor."""
    return bytes(_target_machine().emit_object(_binding().parse_assembly(ir)))


def _target_machine() -> Any:
    binding = _binding()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=OPTIMISATION,
        jit=True,
    )


@cache
def _binding() -> Any:
    try:
        from llvmlite import binding  # type: ignore[import-not-found, import-untyped]
    except ImportError as error:
        raise MissingPackage(
            "this processor has no AVX-512, so loop nests are compiled with LLVM; install it: pip install llvmlite"
        ) from error
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding
