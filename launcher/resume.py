"""`tunewright train --resume`: which checkpoint a run goes on from, and its folder made ready for more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.store.run_directory import RunDirectory
from models.training import TrainingSession
from rllib_envs.errors import UserError


def newest_whole(run: RunDirectory, start: Path | None) -> Path | None:
    """The checkpoint to go on from: `start`, or one before it when that is damaged; None when there never was one."""
    checkpoint, wrong = run.checkpoints.last_whole(start)
    for damage in wrong:
        print(f"warning: {damage}; {f'going on from {checkpoint}' if checkpoint else 'no checkpoint is before it'}")
    if wrong and checkpoint is None:
        raise UserError(f"{run.path} has no whole checkpoint left: {wrong[0]}. Train again")
    return checkpoint


def go_on(session: TrainingSession, run: RunDirectory, checkpoint: Path | None, record: Mapping[str, Any]) -> None:
    """Make the run directory ready for more of the same training."""
    run.checkpoints.set_aside_after(checkpoint)
    run.go_on(session.iteration, record)
    print(f"goes on after iteration {session.iteration}, {session.counters.env_steps:,} environment steps")
