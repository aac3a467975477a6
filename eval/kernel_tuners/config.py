"""What a user asks of the experiments: a JSON file, or JSON in place of its name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from eval.kernel_tuners.experiments import EXPERIMENTS
from eval.kernel_tuners.trials import Trials
from rllib_envs.errors import UserError
from rllib_envs.names import choose


@dataclass(frozen=True)
class ExperimentConfig:
    """The fields of the JSON object; each may be left out but `names`."""

    names: tuple[str, ...]
    """Experiments to run: see `EXPERIMENTS`."""
    save_path: str = "results"
    """The folder for results and figures; it is made."""
    kernels: tuple[str, ...] = ("synthetic",)
    """Names of landscapes; "synthetic" and "recorded" stand for all of them."""
    seeds: int = 10
    """Runs of each tuner on each kernel."""
    trials: int = 256
    batch: int = 8
    noise: float = 0.03
    """See `Trials`."""
    workers: int = 1
    """Processes."""

    @property
    def how(self) -> Trials:
        return Trials(self.trials, self.batch, self.noise)


def read_config(text: str) -> ExperimentConfig:
    """From a file's name or JSON. UserError names the field that is wrong."""
    what = "the configuration" if text.lstrip().startswith("{") else f"configuration {text}"
    try:
        content = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text())
    except OSError as error:
        raise UserError(f"{what} can't be read: {error.strerror or error}; give a JSON file") from None
    except ValueError as error:
        raise UserError(f"{what} is not JSON: {error}") from None
    section = content.get("experiments") if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise UserError(f'{what} lacks the object "experiments"; see eval/config-example.json')
    return _config(section)


def _config(section: Mapping[str, Any]) -> ExperimentConfig:
    known = {field.name: field.type for field in fields(ExperimentConfig)}
    for name in section:
        choose(name, known, "field of experiments")
    values = {name: _checked(name, value, str(known[name])) for name, value in section.items()}
    if not values.get("names"):
        raise UserError(f'field "names" of experiments is missing; give some of {", ".join(EXPERIMENTS)}')
    for name in values["names"]:
        choose(name, EXPERIMENTS, "experiment")
    return ExperimentConfig(**values)


def _checked(name: str, value: Any, kind: str) -> Any:
    if kind.startswith("tuple"):
        if not (isinstance(value, list) and all(isinstance(each, str) for each in value) and value):
            raise UserError(f'field "{name}" of experiments has to be a list of names; got {value!r}')
        return tuple(value)
    wanted = {"str": str, "int": int, "float": (int, float)}[kind]
    if not isinstance(value, wanted) or isinstance(value, bool):  # type: ignore[arg-type]
        raise UserError(f'field "{name}" of experiments has to be of type {kind}; got {value!r}')
    if not isinstance(value, str) and (value < 0 or (kind == "int" and value < 1)):
        raise UserError(f'field "{name}" of experiments is {value}, which is too small')
    return value
