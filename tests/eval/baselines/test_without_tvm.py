"""Where the extra is not installed, TVM's rows say so, and everything else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.conftest import ROOT

EXTRA = ("tvm", "apache_tvm", "xgboost")
"""How the names of what the extra installs begin."""
MEASURE = """
import json
from eval.baselines import Baselines
from rllib_envs.tvm_installed import tvm_row
from rllib_envs.loop_nest import LoopNest
from rllib_envs.problem import Benchmark
problem = LoopNest()
product = Benchmark("mm", "loop_nest", {"kind": "mm", "sizes": {"m": 16, "n": 16, "k": 16}})
rows = {name: measure(product).error for name, measure in Baselines.parse("all", problem)(problem).items()}
print(json.dumps(rows | {"doctor": tvm_row()}))
"""


def environment(folder: Path) -> Path:
    """The Python of a virtual environment with all that is installed here but the extra."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    for installed in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not installed.name.startswith(EXTRA):
            (packages / installed.name).symlink_to(installed)
    return folder / "bin" / "python"


def test_rows_say_what_is_missing(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([python, "-c", MEASURE], capture_output=True, text=True, env=env, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    rows = json.loads(run.stdout)
    missing = "tvm is not installed: pip install 'tunewright[tvm]'"
    assert rows == {
        "numpy": "",
        "torch": "",
        "tvm": missing,
        "tvm_tiled": missing,
        "tvm_metaschedule": missing,
        "loop_tool": "",
        "doctor": f"{missing} (optional, for comparisons with TVM)",
    }


TUNE = """
from rllib_envs.errors import one_line_errors
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite

with one_line_errors():
    make_problem("kernel_tuning").initial(Suite.load("kernel_tuning").benchmarks[0])
"""


TUNE_NETWORK = """
from eval.driver import main

main(["-m=tune", '-c={"models": ["mlp"], "autotuner_settings": {"trials": 8}}'])
"""


def test_kernel_tuning_says_how_to_get_tvm(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for code in (TUNE, TUNE_NETWORK):
        run = subprocess.run([python, "-c", code], capture_output=True, text=True, env=env, timeout=120, cwd=tmp_path)
        expected = "error: kernel tuning needs TVM: tvm is not installed: pip install 'tunewright[tvm]'\n"
        assert (run.returncode, run.stdout, run.stderr) == (3, "", expected)
