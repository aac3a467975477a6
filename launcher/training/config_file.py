"""A configuration file: the options of `tunewright train` as TOML, which take the place of their defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import tyro

from launcher.folders import runs_folder
from launcher.options import checked, last_value
from launcher.tracking.fetch import check_url, local_run
from launcher.training.config import TrainConfig
from launcher.training.recorded_config import recorded_settings
from launcher.usage import one_line_usage
from models.shipped import find_recipe
from rllib_envs.errors import UserError, one_line_errors
from rllib_envs.names import choose

SETTINGS, ENCODER = ("problem_settings", "trainer_settings"), "encoder"
"""The tables."""
ENCODER_OPTIONS = {"kind": "encoder", "width": "encoder_width", "layers": "encoder_layers", "heads": "encoder_heads"}
FLAGS_ONLY = {"config", "debug"}


def parse_train(arguments: Sequence[str], prog: str, description: str | None = None) -> TrainConfig:
    """What `arguments`, then the file behind their --config, then the run that either goes on with ask for.

    Settings of the problem and the trainer are joined, so that arguments change some of the file's. A run, file, name
    or value that is wrong ends the program with one line and exit code 2.
    """
    with one_line_errors("--debug" in arguments):
        path = last_value("--config", arguments)
        values = read_options(find_config(path)) if path else {}
        resume, url = last_value("--resume", arguments), last_value("--wandb_url", arguments)
        resume_of_file, url_of_file = values.pop("resume", ""), values.pop("wandb_url", "")
        check_url(url)
        check_url(url_of_file)
        run = local_run(resume or url or resume_of_file or url_of_file, runs_folder())
        recorded = recorded_settings(run) if run else TrainConfig()
    settings: dict[str, Any] = {table: (*getattr(recorded, table), *values.pop(table, ())) for table in SETTINGS}
    values |= dict.fromkeys(SETTINGS, ())
    defaults = replace(recorded, **values)
    with one_line_usage(TrainConfig):
        config = tyro.cli(TrainConfig, prog=prog, description=description, args=list(arguments), default=defaults)
    joined: dict[str, Any] = {table: (*before, *getattr(config, table)) for table, before in settings.items()}
    return replace(config, resume=run, wandb_url="", **joined)


def find_config(given: str) -> Path:
    """A file by its path, or a recipe by its name."""
    path = Path(given)
    return path if path.suffix or path.is_file() else find_recipe(given)


def read_options(path: Path) -> dict[str, Any]:
    """The fields of TrainConfig that a file sets. Names may be written with hyphens, as the flags are."""
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"configuration file {path} can't be read: {error}") from None
    kinds = {name: kind for name, kind in get_type_hints(TrainConfig).items() if name not in FLAGS_ONLY}
    values: dict[str, Any] = {}
    for written, value in content.items():
        name = choose(written.replace("-", "_"), kinds, f"option in {path}")
        if name in SETTINGS:
            values[name] = tuple(f"{key}={each}" for key, each in _table(path, name, value).items())
        elif name == ENCODER and isinstance(value, dict):
            for key, each in value.items():
                option = ENCODER_OPTIONS[choose(key, ENCODER_OPTIONS, f"option in [{ENCODER}] of {path}")]
                values[option] = checked(path, f"{ENCODER}.{key}", each, kinds[option])
        else:
            values[name] = checked(path, written, value, kinds[name])
    return values


def _table(path: Path, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{name} in {path} is {value!r}; write a table, [{name}], with a line for each setting")
    return value
