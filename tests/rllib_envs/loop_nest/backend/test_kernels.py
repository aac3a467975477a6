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
from rllib_envs.loop_nest.backend.memory import padded
from rllib_envs.loop_nest.backend.processor import UnsupportedProcessor, processor_flags
from rllib_envs.loop_nest.kinds import make_statement

REPOSITORY = Path(__file__).resolve().parents[4]
FUZZ = Path(__file__).with_name("fuzz_kernels.py")


def fuzz(seed: int, count: int, emitter: str) -> None:
    run = subprocess.run(
        [sys.executable, str(FUZZ), str(seed), str(count), emitter],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, f"{run.returncode} wrong:\n{run.stdout}{run.stderr}"


@pytest.mark.usefixtures("avx512")
@pytest.mark.parametrize("seed", range(4))
def test_random_statements_and_schedules(seed: int) -> None:
    fuzz(seed, 75, "x86")


@pytest.mark.usefixtures("llvm")
def test_random_statements_and_schedules_with_llvm() -> None:
    fuzz(9, 40, "llvm")


@pytest.mark.usefixtures("kernels")
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


@pytest.mark.usefixtures("kernels")
def test_more_loops_than_counter_registers() -> None:
    statement = make_statement("mm", {"m": 1 << 6, "n": 1 << 6, "k": 1 << 6})
    splits = [Loop(var, 1 << power) for power in range(5, -1, -1) for var in "mkn"]
    kernel = compile_kernel(statement, tuple(splits))
    a = np.random.default_rng(1).standard_normal((64, 64))
    c = padded(np.full((64, 64), np.nan))
    kernel(c, padded(a), padded(a))
    np.testing.assert_allclose(c.reshape(64, 64), a @ a, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("kernels")
def test_same_schedule_same_code() -> None:
    statement = make_statement("conv2d", {"o": 9, "c": 3, "y": 5, "x": 7, "p": 3, "q": 2})
    loops = tuple(Loop(var, 1) for var in "opqcyx")
    assert compile_kernel(statement, loops).code == compile_kernel(statement, loops).code


def test_processor_without_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset({"avx2", "avx512f"}))
    statement = make_statement("transpose", {"m": 2, "n": 2})
    with pytest.raises(UnsupportedProcessor, match="this one lacks avx512vl, fma") as caught:
        compile_kernel(statement, (Loop("m", 1), Loop("n", 1)))
    assert caught.value.exit_code == 3


def test_without_avx512_and_llvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "processor_flags", lambda: processor.AVX2)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    llvm_code._binding.cache_clear()
    statement = make_statement("transpose", {"m": 2, "n": 2})
    with pytest.raises(MissingPackage, match="pip install llvmlite"):
        compile_kernel(statement, (Loop("m", 1), Loop("n", 1)))


def test_processor_flags_are_words() -> None:
    assert all(flag and " " not in flag for flag in processor_flags())
