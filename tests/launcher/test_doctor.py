"""`tunewright doctor` as a person types it, and where loop nests can't run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rllib_envs.loop_nest.backend.backends import AUTO, usable_backends
from tests.conftest import ROOT

TUNEWRIGHT = Path(sys.executable).with_name("tunewright")


def doctor(*arguments, **environment):
    command = [str(TUNEWRIGHT), "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **environment})


@pytest.mark.parametrize("backend", usable_backends())
def test_shows_what_the_machine_can_do(backend, tmp_path):
    (tmp_path / "datasets").mkdir()
    run = doctor("--backend", backend, MAX_GFLOPS="", RLLIB_NUM_GPUS="2", LOOP_TOOL_ROOT=str(tmp_path))
    assert run.returncode == 0, run.stderr
    rows = dict(re.findall(r"^│ (\S.*?) +│ (.*?) +│$", run.stdout, flags=re.MULTILINE))
    chosen = usable_backends()[1] if backend == AUTO else backend
    assert rows["backend"].startswith(f"{chosen} (")
    assert re.search(r"\d GFLOPS, measured; \d+\.\d flop/cycle, measured", rows["peak of one core"])
    assert re.search(r"repeats within \d+\.\d\d%", rows["timer"])
    assert re.search(r"\d% of the peak", rows["128x128x128 product"])
    assert re.search(r"\d% of the peak", rows["the same by numpy"])
    assert (rows["MAX_GFLOPS"], rows["RLLIB_NUM_GPUS"]) == ("not set", "2")
    assert rows["runs in"] == str(tmp_path / "runs")
    assert rows["data sets in"] == f"{tmp_path / 'datasets'}, {ROOT / 'datasets'}"
    assert rows["numpy"] and rows["processor"]
    assert rows["TVM"].endswith(", and what MetaSchedule needs to search")


def test_configured_peak():
    run = doctor(MAX_GFLOPS="1000")
    assert run.returncode == 0, run.stderr
    assert "1000.0 GFLOPS, as MAX_GFLOPS has it" in run.stdout


def test_loop_nests_that_can_not_run(tmp_path):
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite" / "__init__.py").write_text("raise ImportError('broken')\n")
    run = doctor("--backend", "llvm", PYTHONPATH=str(tmp_path))
    assert run.returncode == 3, run.stderr
    assert run.stderr.count("\n") == 1 and "pip install llvmlite" in run.stderr
    assert "can't run; the reason follows" in run.stdout and "processor" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("--backend", "avx521"), {}, "did you mean 'avx512'"),
        ((), {"MAX_GFLOPS": "fast"}, "MAX_GFLOPS must be a positive number"),
    ],
)
def test_bad_input(arguments, environment, message):
    run = doctor(*arguments, **environment)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1 and message in run.stderr
