"""Where a comparison is kept: the folder asked for, one that has the same comparison unfinished, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from eval.journal import JOURNAL, read_journal
from eval.journal_lines import SCORES
from launcher.comparison.evaluation import Proof
from rllib_envs.errors import UserError

PREFIX = "comparison-"


def comparison_folder(given: Path | None, home: Path, proof: Proof) -> Path:
    """The folder for a comparison; without `given` it is under `home`.

    UserError where `given` holds something else than a comparison.
    """
    if given is not None:
        empty = given.is_dir() and not any(given.iterdir())
        if given.exists() and not empty and not (given / JOURNAL).exists():
            raise UserError(f"{given} exists already and holds no comparison; choose another --out or remove it")
        return given
    setting = proof.setting()
    for folder in sorted(home.glob(f"{PREFIX}*"), reverse=True):
        if _is_unfinished(folder, setting, len(proof.plan.benchmarks)):
            return folder
    return home / f"{PREFIX}{datetime.now():%Y%m%d-%H%M%S}"


def _is_unfinished(folder: Path, setting: Mapping[str, str], benchmarks: int) -> bool:
    """Whether it holds the very same comparison, and something of it is left to do."""
    try:
        found, lines = read_journal(folder)
    except UserError:
        return False
    scored = {line.get("benchmark") for line in lines if line.get("kind") == SCORES}
    return found == setting and len(scored) < benchmarks
