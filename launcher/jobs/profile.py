"""A cluster's profile: defaults of `tunewright launch` as YAML, for instance its partition and account."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

from launcher.options import checked
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.names import choose

NOT_A_CLUSTERS = {"app", "resume", "wandb_url", "profile", "dry_run", "wait", "debug"}
"""Options that belong to one launch."""


def read_profile(path: Path, config: type[Any]) -> dict[str, Any]:
    """The fields of `config` that a file sets. UserError names the file, and what is wrong in it."""
    try:
        import yaml
    except ImportError as error:
        raise MissingPackage(f"a profile needs PyYAML ({error}); pip install 'tunewright[train]'") from None
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"profile {path} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"profile {path} holds {type(content).__name__}; write one `option: value` a line")
    kinds = {name: kind for name, kind in get_type_hints(config).items() if name not in NOT_A_CLUSTERS}
    values: dict[str, Any] = {}
    for written, value in content.items():
        name = choose(str(written).replace("-", "_"), kinds, f"option in profile {path}")
        if name == "sbatch":
            if not isinstance(value, dict):
                raise UserError(f"sbatch in profile {path} is {value!r}; write a line `option: value` for each")
            values[name] = tuple(f"{key}={each}" for key, each in value.items())
        else:
            values[name] = checked(path, str(written), value, kinds[name])
    return values
