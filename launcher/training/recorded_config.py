"""The settings of a run that is gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from launcher.training.config import TrainConfig
from models.store.locate import locate_run

OF_THIS_CALL = ("resume", "wandb_url", "fork", "resume_anyway", "run", "debug")
"""Flags that say nothing about the training and are not taken over."""


def recorded_settings(where: str) -> TrainConfig:
    """Those of the run that `where`, the value of --resume, means."""
    run, _ = locate_run(where)
    return replace(recorded_config(run.record.get("config", {})), resume=where)


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
