"""Doing a job, whatever of the three it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from launcher.stem.deploy import deploy
from launcher.stem.schedule import plan
from launcher.stem_server.asks import Ask, Deploying, Planning, Training
from launcher.stem_server.follows import Follows
from launcher.stem_server.job import Given
from rllib_envs.stem_sharing.application import Application


class Made(NamedTuple):
    """What a job leaves."""

    result: Mapping[str, Any]
    app: Mapping[str, Any] | None = None
    """The application that it has trained."""


def do(ask: Ask, given: Given, follows: Follows) -> Made:
    """Raises TunewrightError where it can't be done."""
    if isinstance(ask, Planning):
        return Made(plan(*ask)._asdict())
    if isinstance(ask, Deploying):
        return _deploy(ask, follows.tell)
    return _train(ask, given, follows)


def _deploy(ask: Deploying, tell: Callable[[str], None]) -> Made:
    with contextlib.chdir(ask.folder):
        deploy(*ask.planning, ask.target, tell)
    return Made({})


def _train(ask: Training, given: Given, follows: Follows) -> Made:
    from launcher.stem.training import train
    from launcher.stem_server.train_log import TrainLog  # with PyTorch, which the other workers do without

    with contextlib.chdir(ask.folder):
        trained = train(ask.options, TrainLog(given.done, follows))
    spec = Application(ask.options.name, trained.variants).to_spec()
    folders = {"model_dir": _absolute(ask, ask.options.model_dir), "log_dir": _absolute(ask, ask.options.log_dir)}
    app = {"spec": spec, "model_desc": trained.model_desc, **folders, "job": given.id}
    return Made({"app": ask.options.name, "variants": trained.variants, **folders}, app)


def _absolute(ask: Training, path: Path) -> str:
    return str((ask.folder / path).resolve())
