from __future__ import annotations

from importlib.util import find_spec

import pytest

from rllib_envs.loop_nest.backend.processor import AVX2, AVX512, has_avx512, processor_flags


@pytest.fixture
def avx512() -> None:
    """Skip where our own machine code can't run."""
    if not has_avx512():
        pytest.skip(f"the processor lacks {', '.join(sorted(AVX512 - processor_flags()))}")


@pytest.fixture
def llvm() -> None:
    """Skip where LLVM can't compile for AVX2."""
    pytest.importorskip("llvmlite")
    if not processor_flags() >= AVX2:
        pytest.skip(f"the processor lacks {', '.join(sorted(AVX2 - processor_flags()))}")


@pytest.fixture
def kernels() -> None:
    """Skip where kernels can't be compiled in either way."""
    if not has_avx512() and not (processor_flags() >= AVX2 and find_spec("llvmlite")):
        pytest.skip("needs AVX-512, or AVX2 and llvmlite")
