from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rllib_envs.loop_nest.backend.processor import AVX2, has_avx2, has_time_stamps, processor_flags


@pytest.fixture
def avx2() -> None:
    """Skip where machine code for AVX2 can't run."""
    if not has_avx2():
        pytest.skip(f"the processor lacks {', '.join(sorted(AVX2 - processor_flags()))}")


@pytest.fixture
def x86_timer() -> None:
    """Skip where there is no time-stamp counter."""
    if not has_time_stamps():
        pytest.skip("needs an x86-64 processor with a constant time-stamp counter")


@pytest.fixture
def disassemble(tmp_path: Path) -> Callable[[bytes], list[str]]:
    if shutil.which("objdump") is None:
        pytest.skip("needs objdump (binutils)")

    def run(code: bytes) -> list[str]:
        (tmp_path / "code").write_bytes(code)
        command = "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn code"
        listing = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        lines = re.findall(r"^\s*[0-9a-f]+:\t(.*)$", listing, flags=re.MULTILINE)
        # "{evex}" tells that a VEX encoding would have done; "#" starts a comment.
        return [re.sub(r"\s+", " ", line.split("#")[0].removeprefix("{evex} ")).strip() for line in lines]

    return run
