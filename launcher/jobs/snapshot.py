"""A copy of the code as it is now."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from rllib_envs.errors import UserError

COMMIT = "commit.txt"
"""What the copy was made of: the commit, and the changes since."""


def is_checkout(root: Path) -> bool:
    return (root / ".git").exists()


def take_snapshot(root: Path, target: Path) -> None:
    """Copy the checkout at `root`, changes and new files included. UserError when there is no room for it."""
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    try:
        for name in filter(None, listed.split("\0")):
            source = root / name
            if source.is_file():  # and not one that was removed, or a submodule
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name)
        told = [_git(root, "rev-parse", "HEAD"), _git(root, "status", "--short"), _git(root, "diff", "HEAD")]
        (target / COMMIT).write_text("\n".join(told))
    except OSError as error:
        raise UserError(f"the code can't be copied to {target}: {error}; make room, or give --no-snapshot") from None


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(f"the code can't be copied: {error}; give --no-snapshot to run it where it is") from None
    return done.stdout
