"""How we use the client of Weights & Biases: quietly, in the run directory, and with the key in no environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from launcher.tracking.reference import BASE_URL
from rllib_envs.errors import MissingPackage

PUBLIC_SERVER = "https://api.wandb.ai"
CLIENT_FOLDER = ".wandb"
"""In the run directory: what the client writes for itself. It may be removed at any time."""
CONNECT_LIMIT_S = 30
FINISH_LIMIT_S = 45
"""For metrics that are on their way. Without a limit the client would wait for a server for as long as it is down."""


def load_wandb() -> Any:
    """The package. Raises MissingPackage where it is not installed."""
    os.environ.setdefault("WANDB_SILENT", "true")  # it would talk to the person when it is imported
    try:
        import wandb
    except ImportError as error:
        raise MissingPackage(f"Weights & Biases needs wandb ({error}); pip install 'tunewright[train]'") from None
    return wandb


def server_url() -> str:
    return os.environ.get(BASE_URL) or PUBLIC_SERVER


def client_settings(run: Path, key: str, owner: int) -> Any:
    """For `wandb.init`. `owner` is the process whose use of the machine is shown."""
    folder = run / CLIENT_FOLDER
    folder.mkdir(exist_ok=True)
    # The client asks for these by the environment alone. Both stay near the run, where there is room for artifacts.
    os.environ |= {"WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder)}
    return load_wandb().Settings(
        api_key=key,
        base_url=server_url(),
        root_dir=str(folder),
        console="off",
        silent=True,
        disable_git=True,
        disable_code=True,
        init_timeout=CONNECT_LIMIT_S,
        finish_timeout=FINISH_LIMIT_S,
        finish_timeout_raises=True,
        x_stats_pid=owner,
    )


def interface(key: str) -> Any:
    """To read what the server has. It remembers what it was told, so a later look needs another one."""
    return load_wandb().Api(api_key=key, overrides={"base_url": server_url()}, timeout=CONNECT_LIMIT_S)


def one_line(error: BaseException) -> str:
    """What the client says."""
    return " ".join(str(error).split()) or type(error).__name__
