"""`tunewright train --resume`: which checkpoint a run goes on from, and its folder made ready for more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.tracking.mirrored import Mirrored
from models.store.atomic import write_json
from models.store.run_directory import CHECKPOINTS, METRICS, RECORD, RunDirectory, make_unique
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


def fork(run: RunDirectory, start: Path | None, runs: Path) -> tuple[RunDirectory, Path | None]:
    """Another run under `runs` that begins as a copy of this one at a checkpoint, and has a mirror of its own."""
    checkpoint = newest_whole(run, start)
    if checkpoint is None:
        raise UserError(f"{run.path} has no checkpoint to fork from")
    forked = RunDirectory(make_unique(runs, f"{run.name}-fork"))
    (forked.path / CHECKPOINTS).mkdir()
    shutil.copytree(checkpoint, forked.path / CHECKPOINTS / checkpoint.name)
    shutil.copy(run.path / METRICS, forked.path / METRICS)
    known = Mirrored.of(run.path)
    if known is not None:
        source = known.url or str(run.path)
        Mirrored(known.project, known.entity, group=known.group, tags=known.tags, forked_from=source).write(forked.path)
    write_json(forked.path / RECORD, {**run.record, "forked_from": str(run.path)})
    return forked, forked.path / CHECKPOINTS / checkpoint.name


@contextmanager
def removed_if_refused(run: RunDirectory) -> Iterator[None]:
    """Leave no run behind that was made a moment ago and that nothing could be trained in."""
    before = run.checkpoints.last()
    try:
        yield
    except BaseException:
        if run.checkpoints.last() == before:
            run.discard()
        raise


def go_on(session: TrainingSession, run: RunDirectory, checkpoint: Path | None, record: Mapping[str, Any]) -> None:
    """Make the run directory ready for more of the same training."""
    run.checkpoints.set_aside_after(checkpoint)
    run.go_on(session.iteration, record)
    print(f"goes on after iteration {session.iteration}, {session.counters.env_steps:,} environment steps")
