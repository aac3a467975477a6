"""The shape that the documentation promises: who may import whom, and what a light import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAY_IMPORT = {
    "rllib_envs": set(),
    "models": {"rllib_envs"},
    "eval": {"rllib_envs", "models"},
    "launcher": {"rllib_envs", "models", "eval"},
}
FOLDERS = {*MAY_IMPORT, "datasets", "slurm", "tests", "bench"}
FILES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, at whatever depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the whole name"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_upwards_only(path):
    package = path.relative_to(ROOT).parts[0]
    forbidden = imported(path) & FOLDERS - MAY_IMPORT[package] - {package}
    assert not forbidden, f"{package} must not import {forbidden}"


def test_datasets_is_not_a_package():
    assert not (ROOT / "datasets" / "__init__.py").exists(), "it would shadow a popular library of this name"


LIGHT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} must not be needed here")
sys.meta_path.insert(0, Blocked())
{code}
"""


@pytest.mark.parametrize(
    ("blocked", "code"),
    [
        (
            ("ray", "wandb", "tvm", "submitit", "torch", "matplotlib", "loop_tool", "networkx"),
            "import rllib_envs.loop_nest",
        ),
        (
            ("ray", "wandb", "tvm", "submitit", "matplotlib"),
            "import launcher.tuning.tune, models.policy, eval.searches",
        ),
        (
            ("ray", "wandb", "tvm", "submitit", "torch", "matplotlib", "gymnasium"),
            "import rllib_envs.loop_nest.backend.child",
        ),
    ],
)
def test_light_use_needs_no_heavy_package(blocked, code):
    run = subprocess.run(
        [sys.executable, "-c", LIGHT.format(blocked=blocked, code=code)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
