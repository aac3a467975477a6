"""`tunewright export`: a policy as a file for other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from models.onnx_file import interface, require_onnx, write_onnx
from models.policy import Policy
from rllib_envs.names import choose

FORMATS: Mapping[str, Callable[[Policy, Path], Path]] = {"onnx": write_onnx}


@dataclass(frozen=True)
class ExportConfig:
    """Write a policy as a file that other programs can use, without PyTorch and without this package."""

    policy: Annotated[Path, tyro.conf.Positional]
    """Policy folder or run directory."""
    format: str = "onnx"
    """What to write: onnx."""
    out: Path = Path("policy.onnx")
    """The file, which must not exist yet."""
    debug: bool = False
    """Show the traceback of an error."""


def run_export(config: ExportConfig) -> None:
    check_format(config.format)
    policy = Policy.load(config.policy)
    written = export_policy(policy, config.format, config.out)
    inputs, outputs = map(", ".join, interface(policy))
    print(f"{written}: {inputs} to {outputs} of {len(policy.actions)} actions for {policy.problem}")


def check_format(name: str) -> None:
    """UserError for an unknown format, MissingPackage where it can't be written here."""
    choose(name, FORMATS, "format")
    require_onnx()


def export_policy(policy: Policy, name: str, path: Path) -> Path:
    """Write the policy in the format of that name, and return the path."""
    return FORMATS[choose(name, FORMATS, "format")](policy, path)
