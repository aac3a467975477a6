"""Generated code against numpy, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.loop_nest.backend import Loop, compile_kernel, llvm_code, processor
from rllib_envs.loop_nest.backend.backends import AUTO, MACHINE_CODE, choose_backend, usable_backends
from rllib_envs.loop_nest.backend.memory import padded
from rllib_envs.loop_nest.backend.processor import UnsupportedProcessor, processor_flags
from rllib_envs.loop_nest.kinds import make_statement

REPOSITORY = Path(__file__).resolve().parents[4]
FUZZ = Path(__file__).with_name("fuzz_kernels.py")


def fuzz(seed: int, count: int, backends: str) -> None:
    run = subprocess.run(
        [sys.executable, str(FUZZ), str(seed), str(count), backends],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0, f"{run.returncode} wrong:\n{run.stdout}{run.stderr}"


@pytest.mark.parametrize("seed", range(4))
def test_machine_code_of_random_schedules(seed: int) -> None:
    backends = [name for name in usable_backends() if name in MACHINE_CODE]
    if not backends:
        pytest.skip("needs an x86-64 processor with AVX2")
    fuzz(seed, 375, ",".join(backends))


@pytest.mark.parametrize("seed", range(4, 8))
def test_llvm_beside_machine_code_on_random_schedules(seed: int) -> None:
    fuzz(seed, 100, ",".join(name for name in usable_backends() if name != AUTO))


def test_llvm_with_vectors_of_four_lanes_on_random_schedules() -> None:
    fuzz(8, 100, "llvm/4")


def test_kernels_that_read_nothing_beyond_their_inputs_on_random_schedules() -> None:
    fuzz(9, 100, ",".join(f"{name}/exact" for name in usable_backends() if name != AUTO))


def test_call_on_arrays() -> None:
    statement = make_statement("mm", {"m": 5, "n": 37, "k": 11})
    kernel = compile_kernel(statement, (Loop("m", 2), Loop("k", 1), Loop("m", 1), Loop("n", 1)))
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((5, 11)), generator.standard_normal((11, 37))
    c = padded(np.full((5, 37), np.nan))
    kernel(c, padded(a), padded(b))
    np.testing.assert_allclose(c.reshape(5, 37), a @ b, rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match="3 tensors, got 2"):
        kernel(c, padded(a))
    with pytest.raises(UserError, match="at least 407 contiguous float32"):
        kernel(c, padded(a), b)  # type: ignore[arg-type]


def test_more_loops_than_counter_registers() -> None:
    statement = make_statement("mm", {"m": 1 << 6, "n": 1 << 6, "k": 1 << 6})
    splits = [Loop(var, 1 << power) for power in range(5, -1, -1) for var in "mkn"]
    kernel = compile_kernel(statement, tuple(splits))
    a = np.random.default_rng(1).standard_normal((64, 64))
    c = padded(np.full((64, 64), np.nan))
    kernel(c, padded(a), padded(a))
    np.testing.assert_allclose(c.reshape(64, 64), a @ a, rtol=1e-4, atol=1e-4)


def test_same_schedule_same_code() -> None:
    statement = make_statement("conv2d", {"o": 9, "c": 3, "y": 5, "x": 7, "p": 3, "q": 2})
    loops = tuple(Loop(var, 1) for var in "opqcyx")
    for backend in usable_backends():
        assert compile_kernel(statement, loops, backend).code == compile_kernel(statement, loops, backend).code


def test_choice_of_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, chosen in ((processor.AVX512 | processor.AVX2, "avx512"), (processor.AVX2, "avx2"), (set(), "llvm")):
        monkeypatch.setattr(processor, "processor_flags", lambda flags=flags: frozenset(flags))
        assert choose_backend() == chosen
    with pytest.raises(UserError, match="unknown loop-nest backend 'tvm'; did you mean 'llvm'"):
        choose_backend("tvm")


def test_backend_that_the_processor_can_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "processor_flags", lambda: processor.AVX2 | {"avx512f"})
    statement = make_statement("transpose", {"m": 2, "n": 2})
    with pytest.raises(UnsupportedProcessor, match="this one lacks avx512vl; choose auto or avx2") as caught:
        compile_kernel(statement, (Loop("m", 1), Loop("n", 1)), "avx512")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("architecture", "features", "target"),
    [
        ("x86_64", {"avx512f", "avx512vl", "avx2", "fma"}, (16, 32)),
        ("x86_64", {"avx2", "fma"}, (8, 16)),
        ("x86_64", {"sse2"}, (4, 16)),
        ("aarch64", {"neon"}, (4, 32)),
        ("arm64", set(), (4, 32)),
        ("riscv64", set(), (4, 16)),
    ],
)
def test_vectors_that_llvm_is_asked_for(architecture: str, features: set[str], target: tuple[int, int]) -> None:
    assert llvm_code.vector_unit(architecture, features) == target


def test_without_avx2_and_llvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "processor_flags", frozenset)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    llvm_code._binding.cache_clear()
    statement = make_statement("transpose", {"m": 2, "n": 2})
    with pytest.raises(MissingPackage, match="pip install llvmlite"):
        compile_kernel(statement, (Loop("m", 1), Loop("n", 1)))


def test_processor_flags_are_words() -> None:
    assert all(flag and " " not in flag for flag in processor_flags())
