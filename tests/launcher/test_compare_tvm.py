"""The user's comparison with TVM, as a person types it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rllib_envs.loop_nest import LoopNest
from tests.conftest import ROOT, matmul
from tests.models.toy_policies import untrained

SMALL = ("--timeout=0.1", "--searches=policy", "--size=1", "--tvm_trials=2", "--tvm-seconds=5")


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "eval" / "compare_tvm.py"), *arguments]
    environment = {**os.environ, "LOOP_TOOL_ROOT": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT, env=environment)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one benchmark as a suite, and the policy of a run that has learnt nothing."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "datasets" / "small").mkdir(parents=True)
    (folder / "datasets" / "small" / "mm.json").write_text(matmul(16, 16, 16).to_json())
    untrained("q", problem=LoopNest()).save(folder / "runs" / "one" / "policy")
    return folder


@pytest.mark.slow
def test_policy_beside_tvm(home: Path) -> None:
    run = compare(home, "--dataset=small", *SMALL, f"--out={home / 'report'}")
    assert run.returncode == 0, run.stderr
    for name in ("numpy", "tvm", "tvm_tiled", "tvm_metaschedule"):
        assert f"policy over {name}: " in run.stdout
    with (home / "report" / "comparison.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert {"policy", "numpy", "tvm", "tvm_tiled", "tvm_metaschedule"} <= set(rows)
    assert not any(row["error"] for row in rows.values())
    tuned = rows["tvm_metaschedule"]
    assert tuned["evaluations"] == "2" and float(tuned["seconds"]) > 0
    assert "2 trials in" in tuned["how"] and "(of 2 and 5 s allowed)" in tuned["how"]
    page = (home / "report" / "report.html").read_text()
    assert "tvm_metaschedule: TVM" in page and "numpy: numpy" in page
    assert list((home / "runs" / "metaschedule").glob("mm-*"))


def test_bad_input_is_one_line(home: Path) -> None:
    run = compare(home, "--dataset=small", *SMALL, f"--out={home / 'none'}", "--baselines=numpy,tvm_metaschedul")
    assert run.returncode == 2, run.stderr
    assert run.stderr.count("\n") == 1 and "did you mean 'tvm_metaschedule'" in run.stderr
    assert not (home / "none").exists()
