"""Which training a checkpoint belongs to, and what may differ when it goes on.

The number of workers, environments and GPUs, the limits and the place of files may always differ. The `settings` may
when that is asked for; the `identity` never, because the weights would mean something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.train_settings import TrainSettings
from models.trainers.registry import trainer_name
from rllib_envs.errors import UserError
from rllib_envs.problem import Problem
from rllib_envs.suite import Suite

ENV_SETTINGS = ("size", "split", "test_share", "split_seed", "horizon")
SHOWN = 60
"""Characters of a value in a message."""
NOTHING = "nothing"


def identity(settings: TrainSettings, problem: Problem[Any]) -> dict[str, Any]:
    """What makes it this training and no other, as JSON values."""
    return _plain(
        {
            "trainer": trainer_name(settings.trainer),
            "problem": settings.env["problem"],
            "actions": list(problem.actions),
            "observation": problem.spec.to_json(),
            "network": asdict(settings.encoder),
        }
    )


def changeable(settings: TrainSettings, suite: Suite) -> dict[str, Any]:
    """The settings that results depend on, as JSON values, each under the name it is known by."""
    config = {name: value for name, value in settings.env.get("problem_config", {}).items() if name != "actions"}
    return _plain(
        {
            **asdict(settings.make_trainer()),
            "seed": settings.seed,
            "suite_hash": suite.hash,
            **{name: settings.env.get(name) for name in ENV_SETTINGS},
            **{f"problem's {name}": value for name, value in config.items()},
        }
    )


def check_continuation(
    path: Path,
    recorded: Mapping[str, Any],
    settings: TrainSettings,
    problem: Problem[Any],
    suite: Suite,
    anyway: bool = False,
) -> None:
    """UserError when a training with these settings can't go on from the checkpoint at `path`.

    `recorded` holds the checkpoint's `identity` and `settings`. With `anyway`, settings may differ.
    """
    if changes := _changes(recorded["identity"], identity(settings, problem)):
        raise UserError(f"{path} belongs to another training: {changes}. It can't go on with these; start a new run")
    if not anyway and (changes := _changes(recorded["settings"], changeable(settings, suite))):
        raise UserError(
            f"{path} was trained with other settings: {changes}. Leave them as they were, "
            "or give --resume-anyway to go on with the new ones"
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**before, **now} if before.get(name, NOTHING) != now.get(name, NOTHING)]
    return ", ".join(f"{name} was {_short(before, name)} and is now {_short(now, name)}" for name in names)


def _short(values: Mapping[str, Any], name: str) -> str:
    text = json.dumps(values[name]) if name in values else NOTHING
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As they come back from a JSON file."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
