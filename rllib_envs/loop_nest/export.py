"""Hand a tuned kernel over to other programs: as a library, an object file, assembly or LLVM IR, with a C header."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.loop_nest.backend import compile_kernel
from rllib_envs.loop_nest.backend.backends import MACHINE_CODE, choose_backend
from rllib_envs.loop_nest.backend.emit_llvm import emit_llvm
from rllib_envs.loop_nest.backend.llvm_code import assemble, assembly_of, host_target
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.statement import Statement

BYTES_A_LINE = 12


def check_export(path: Path, name: str = "kernel") -> None:
    """Raise UserError for what `export_kernel` would refuse, so that it is known before the tuning."""
    if path.suffix not in FORMS:
        raise UserError(f"can't write a kernel as {path.name}; use one of the suffixes {', '.join(FORMS)}")
    if not (name.isascii() and name.isidentifier()):
        raise UserError(f"{name!r} is no name of a C function")
    for target in (path, *_companions(path)):
        if target.exists():
            raise UserError(f"{target} exists already; choose another name or remove it")


def export_kernel(path: Path, statement: Statement, loops: Schedule, name: str = "kernel") -> list[Path]:
    """Write the kernel in the form that the suffix of `path` asks for, and beside it what is needed to call it.

    `.so` comes with a header and a Python loader, `.o` and `.s` with a header, `.ll` alone. `name` is the C function's.
    Returns what was written. Raises UserError for another suffix, a name that is none in C, and a file that exists.
    """
    check_export(path, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    FORMS[path.suffix](path, ir(statement, loops, name) if path.suffix == ".ll" else assembly(statement, loops, name))
    companions = _companions(path)
    for target, make in companions.items():
        target.write_text(make(statement, loops, name, path.name))
    return [path, *companions]


def _companions(path: Path) -> dict[Path, Callable[[Statement, Schedule, str, str], str]]:
    """What is written beside a kernel, and how."""
    if path.suffix == ".ll":
        return {}
    if path.suffix != ".so":
        return {path.with_suffix(".h"): header}
    # Not under the library's own stem: Python would take the library for the module.
    return {path.with_suffix(".h"): header, path.with_name(f"load_{path.stem}.py"): python_loader}


def assembly(statement: Statement, loops: Schedule, name: str) -> str:
    """GNU assembler source. Where machine code is emitted directly, these are its bytes."""
    backend = choose_backend()
    if backend not in MACHINE_CODE:
        return assembly_of(ir(statement, loops, name))
    code = compile_kernel(statement, loops, backend, slack=False).code
    lines = [code[start : start + BYTES_A_LINE] for start in range(0, len(code), BYTES_A_LINE)]
    return "\n".join(
        [
            f"# {describe(statement, loops)}",
            f"    .text\n    .globl {name}\n    .p2align 6\n    .type {name}, @function\n{name}:",
            *("    .byte " + ", ".join(f"0x{byte:02x}" for byte in line) for line in lines),
            f"    .size {name}, .-{name}",
            '    .section .note.GNU-stack,"",@progbits\n',  # the stack need not be executable
        ]
    )


def ir(statement: Statement, loops: Schedule, name: str) -> str:
    """LLVM IR of the same plan."""
    text = emit_llvm(statement, loops, host_target(), slack=False, function=name)
    return f"; {describe(statement, loops)}\n{text}"


def _write_text(path: Path, source: str) -> None:
    path.write_text(source)


def _write_object(path: Path, source: str) -> None:
    path.write_bytes(assemble(source))


def _write_library(path: Path, source: str) -> None:
    """Linking is left to the system's compiler."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise MissingPackage("a .so needs a C compiler to link it; install one, or write a .o")
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder) / "kernel.o"
        _write_object(parts, source)
        command = [compiler, "-shared", "-nostdlib", "-o", str(path), str(parts)]
        run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise MissingPackage(f"{compiler} could not link {path.name}: {run.stderr.strip() or run.returncode}")


FORMS: Mapping[str, Callable[[Path, str], None]] = {
    ".so": _write_library,
    ".o": _write_object,
    ".s": _write_text,
    ".ll": _write_text,
}


def describe(statement: Statement, loops: Schedule) -> str:
    """What is computed, and by which loops, in one line."""
    sizes = ", ".join(f"{name}={size}" for name, size in statement.sizes)
    nest = " ".join(f"{loop.var}:{loop.step}" for loop in loops)
    return f"{statement.kind} with {sizes}; loops, outermost first, as variable:step: {nest}"


def header(statement: Statement, loops: Schedule, name: str, library: str) -> str:
    """C header with the contract."""
    names = statement.tensor_names
    arguments = ", ".join(["float *C", *(f"const float *{tensor}" for tensor in names[1:])])
    counts = "\n".join(
        f" *   {tensor}: {count} floats, strides {dict(access)}"
        for tensor, count, access in zip(names, statement.elements, statement.accesses, strict=True)
    )
    return f"""/* {describe(statement, loops)}
 *
 * Strides in elements, by loop variable:
{counts}
 *
 * C is overwritten and must not overlap an input. Needs a processor with the instructions of the one it was made on.
 */
#pragma once
#ifdef __cplusplus
extern "C"
#endif
void {name}({arguments});
"""


def python_loader(statement: Statement, loops: Schedule, name: str, library: str) -> str:
    """A Python module that loads the library and runs it once as an example."""
    tensors = statement.tensor_names
    inputs = "\n".join(
        f"    {tensor} = np.random.default_rng({seed}).standard_normal({count}, dtype=np.float32)"
        for seed, (tensor, count) in enumerate(zip(tensors[1:], statement.elements[1:], strict=True))
    )
    return f'''"""{describe(statement, loops)}."""

import ctypes
from pathlib import Path

import numpy as np

_FLOATS = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
{name} = ctypes.CDLL(str(Path(__file__).with_name("{library}"))).{name}
{name}.argtypes = [_FLOATS] * {len(tensors)}
{name}.restype = None

if __name__ == "__main__":
    C = np.empty({statement.elements[0]}, np.float32)
{inputs}
    {name}({", ".join(tensors)})
    print(C[:8])
'''
