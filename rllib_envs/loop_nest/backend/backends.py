"""The ways from a schedule to code, and which of them to take on this processor."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

from rllib_envs.loop_nest.backend import processor
from rllib_envs.loop_nest.backend.isa import InstructionSet
from rllib_envs.loop_nest.backend.isa_avx2 import Avx2
from rllib_envs.loop_nest.backend.isa_avx512 import Avx512
from rllib_envs.loop_nest.backend.processor import UnsupportedProcessor
from rllib_envs.names import choose

AUTO = "auto"
LLVM = "llvm"


class MachineCode(NamedTuple):
    """A backend that writes machine code by itself."""

    instructions: type[InstructionSet]
    needs: frozenset[str]
    """Processor flags."""
    supported: Callable[[], bool]


MACHINE_CODE = {
    Avx512.name: MachineCode(Avx512, processor.AVX512, processor.has_avx512),
    Avx2.name: MachineCode(Avx2, processor.AVX2, processor.has_avx2),
}
"""From the most to the least preferred."""
BACKENDS = (AUTO, *MACHINE_CODE, LLVM)


def choose_backend(name: str = AUTO) -> str:
    """The backend of a name; for "auto" the first of avx512, avx2 and llvm that works on this processor.

    Raises UserError for an unknown name and UnsupportedProcessor for one whose code could not run here. Whether
    llvmlite is installed shows when llvm is used.
    """
    choose(name, BACKENDS, "loop-nest backend")
    if name == AUTO:
        return next((known for known, backend in MACHINE_CODE.items() if backend.supported()), LLVM)
    if name in MACHINE_CODE and not MACHINE_CODE[name].supported():
        needs = MACHINE_CODE[name].needs
        missing = needs - processor.processor_flags()
        raise UnsupportedProcessor(
            f"backend {name} needs Linux and an x86-64 processor with {' and '.join(sorted(needs))}; "
            f"this one lacks {', '.join(sorted(missing))}; choose {' or '.join(usable_backends())}"
        )
    return name


def usable_backends() -> tuple[str, ...]:
    """The backends that work on this processor with the packages installed, "auto" included."""
    native = tuple(name for name, backend in MACHINE_CODE.items() if backend.supported())
    return (AUTO, *native, *((LLVM,) if find_spec("llvmlite") else ()))
