"""Nothing that is read can run anything: what our source may not do at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDERS = ("rllib_envs", "models", "eval", "launcher", "datasets", "slurm")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PICKLES = ("pickle", "cloudpickle", "dill", "marshal")
UNPICKLING = {
    *((package, name) for package in PICKLES for name in ("load", "loads", "Unpickler")),
    ("shelve", "open"),
    ("joblib", "load"),
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
}
RUNNING = {"eval", "exec", "compile", "__import__"}
UNPICKLES = ROOT / "models" / "runners" / "env_worker.py"
"""It is handed its environment by the process that has started it."""


def dangers(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and any((node.module, alias.name) in UNPICKLING for alias in node.names):
            yield f"line {node.lineno} imports what unpickles"
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if isinstance(node.func, ast.Name) and node.func.id in RUNNING:
            yield f"line {node.lineno} calls {node.func.id}"
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if (owner, node.func.attr) in UNPICKLING and path != UNPICKLES and not round_trip(node):
                yield f"line {node.lineno} calls {owner}.{node.func.attr}"
            if (owner, node.func.attr) == ("torch", "load") and not is_true(given.get("weights_only")):
                yield f"line {node.lineno} calls torch.load without weights_only"
            if (owner, node.func.attr) in {("np", "load"), ("numpy", "load")} and is_true(given.get("allow_pickle")):
                yield f"line {node.lineno} lets numpy unpickle"
            if (owner, node.func.attr) in {("os", "system"), ("os", "popen")}:
                yield f"line {node.lineno} calls a shell"
        if "shell" in given:
            yield f"line {node.lineno} calls a shell"


def round_trip(call: ast.Call) -> bool:
    """Whether it unpickles what the same expression has pickled."""
    (inner,) = call.args or [None]
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "dumps"


def is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_runs_no_data(path: Path) -> None:
    assert not list(dangers(path))


@pytest.mark.parametrize(
    "line",
    [
        "pickle.loads(data)",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "eval(text)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
    ],
)
def test_the_scan_finds(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"{line}\n")
    assert list(dangers(path))
