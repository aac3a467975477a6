"""The settings of a run that is gone on with, changed by what is typed now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import tyro

from launcher.train import TrainConfig
from models.store.locate import locate_run

OF_THIS_CALL = ("resume", "resume_anyway", "debug")
"""Flags that say nothing about the training and are not taken over."""


def with_recorded_settings(config: TrainConfig, arguments: Sequence[str]) -> TrainConfig:
    """The run's own settings where `arguments`, those of `train`, say nothing else."""
    run, _ = locate_run(config.resume)
    recorded = recorded_config(run.record.get("config", {}))
    return tyro.cli(TrainConfig, default=replace(recorded, resume=config.resume), args=arguments)


def recorded_config(record: Mapping[str, Any]) -> TrainConfig:
    """The configuration in a `run.json`; what it doesn't name is as it is by default."""
    kinds = get_type_hints(TrainConfig)
    values: dict[str, Any] = {}
    for field in fields(TrainConfig):
        if field.name in record and field.name not in OF_THIS_CALL:
            value = record[field.name]
            if isinstance(value, str) and Path in getattr(kinds[field.name], "__args__", ()):
                value = Path(value)
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return TrainConfig(**values)
