"""`tunewright sync`: bring to Weights & Biases what of a run has not arrived while it trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from launcher.folders import runs_folder
from launcher.tracking.account import HOW, find_key
from launcher.tracking.client_folder import temporary_folder
from launcher.tracking.mirror import Mirror
from launcher.tracking.mirrored import Mirrored, MirrorFailed, shown_name
from models.store.run_directory import RunDirectory, list_runs
from rllib_envs.errors import TunewrightError, UserError

DEFAULT_PROJECT = "tunewright"


@dataclass(frozen=True)
class SyncConfig:
    """Bring runs to Weights & Biases as far as they are not there: each metric, checkpoint and report once."""

    runs: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Run directories. None: all under runs/ that are to be mirrored and are not complete."""
    project: Annotated[str, tyro.conf.arg(name="wandb-project")] = ""
    """Project for a run that was to have no mirror so far; its own otherwise."""
    entity: Annotated[str, tyro.conf.arg(name="wandb-entity")] = ""
    """The same for whose project it is; empty for the account's own."""
    debug: bool = False
    """Show the traceback of an error."""


def run_sync(config: SyncConfig) -> None:
    """Print a line for each run. Raises TunewrightError where one could not be brought."""
    key = find_key()
    if key is None:
        raise UserError(f"no key of Weights & Biases: {HOW}")
    chosen = [RunDirectory.open(path) for path in config.runs] or waiting(runs_folder())
    if not chosen:
        print(f"nothing is waiting in {runs_folder()}/")
    for run in chosen:
        if Mirrored.of(run.path) is None:
            Mirrored.new(run, config.project or DEFAULT_PROJECT, config.entity).write(run.path)
    bring_all(chosen, key)


def bring_all(runs: Sequence[RunDirectory], key: str) -> None:
    """Print a line for each. Raises TunewrightError where one could not be brought, after trying all."""
    failed = []
    with temporary_folder():  # one for all: the client's second process is the same, too
        for run in runs:
            name = shown_name(run.path)
            try:
                with run.locked():
                    print(f"{name}: {bring(run, key)}", flush=True)
            except (MirrorFailed, UserError) as error:
                failed.append(f"{name}: {error}")
    if failed:
        raise TunewrightError(f"{len(failed)} of {len(runs)} runs are not complete there; {'; '.join(failed)}")


def waiting(runs: Path) -> list[RunDirectory]:
    """Runs in a folder, and in its sweeps and arrays, that are to have a mirror and lack something there."""
    found = [run for folder in (runs, *sorted(runs.glob("*/"))) for run in list_runs(folder)]
    return [run for run in found if (known := Mirrored.of(run.path)) and not known.complete]


def bring(run: RunDirectory, key: str) -> str:
    """Everything of a run that trains no more. Returns the page that shows it."""
    with Mirror(run, key, os.getpid()) as mirror:
        mirror.update()
    return mirror.mirrored.url
