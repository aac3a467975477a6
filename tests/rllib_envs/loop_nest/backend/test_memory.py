"""Memory for code on systems that restrict it."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rllib_envs.loop_nest.backend import memory
from rllib_envs.loop_nest.backend.memory import ExecutableCode, ExecutableMemoryError

REPOSITORY = Path(__file__).resolve().parents[4]
HARDENED = """
import ctypes, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1  # linux/prctl.h
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    print("kernel can't")
    sys.exit()
from rllib_envs.errors import TunewrightError
from rllib_envs.loop_nest.backend import Loop, Measurer
from rllib_envs.loop_nest.kinds import make_statement
try:
    with Measurer(backend=sys.argv[1]) as measurer:
        print(measurer.measure(make_statement("transpose", {"m": 8, "n": 8}), (Loop("m", 1), Loop("n", 1))).verified)
except TunewrightError as error:
    print(type(error).__name__, error)
"""


def hardened(backend: str) -> str:
    """What measuring prints in a process that may not gain executable memory, as under MemoryDenyWriteExecute."""
    command = [sys.executable, "-c", HARDENED, backend]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=True)
    if "kernel can't" in run.stdout:
        pytest.skip("needs Linux 6.3")
    return run.stdout.strip()


@pytest.mark.usefixtures("avx2")
def test_machine_code_where_memory_is_never_writable_and_executable() -> None:
    assert hardened("auto") == "True"


def test_llvm_where_memory_is_never_writable_and_executable() -> None:
    told = hardened("llvm")
    assert told.startswith("ExecutableMemoryError the system refuses to make written memory executable")
    assert "choose backend avx512 or avx2" in told


def test_no_executable_memory_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> mmap.mmap:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(memory.mmap, "mmap", refuse)
    with pytest.raises(ExecutableMemoryError, match=r"executable memory \(Permission denied\).*SELinux") as caught:
        ExecutableCode(b"\xc3")
    assert caught.value.exit_code == 3
