"""The code that a job runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from launcher.jobs.snapshot import COMMIT, take_snapshot
from rllib_envs.errors import UserError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "package").mkdir(parents=True)
    for name, text in {".gitignore": "ignored\n", "package/code.py": "old", "removed.py": "", "ignored": ""}.items():
        (root / name).write_text(text)
    git = ("git", "-C", str(root), "-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *command], check=True)
    (root / "package" / "code.py").write_text("new")
    (root / "added.py").write_text("added")
    (root / "removed.py").unlink()
    return root


def test_it_is_what_the_checkout_holds_now(checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    take_snapshot(checkout, copy)
    found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert found == {".gitignore", "package/code.py", "added.py", COMMIT}
    assert (copy / "package" / "code.py").read_text() == "new"
    assert "-old\n" in (copy / COMMIT).read_text()
    (checkout / "package" / "code.py").write_text("later")
    assert (copy / "package" / "code.py").read_text() == "new"


def test_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--no-snapshot"):
        take_snapshot(tmp_path, tmp_path / "copy")
