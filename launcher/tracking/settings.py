"""How we use the client of Weights & Biases: quietly, in the run directory, and with the key in no environment."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from launcher.tracking.reference import BASE_URL
from rllib_envs.errors import MissingPackage, UserError

PUBLIC_SERVER = "https://api.wandb.ai"
CONNECT_VARIABLE, CONNECT_LIMIT_S = "WANDB_INIT_TIMEOUT", 30.0
"""The client's own variable, and what we take where it isn't set."""
FINISH_VARIABLE, FINISH_LIMIT_S = "WANDB_FINISH_TIMEOUT", 60.0
"""The same for how long the end of training waits for what is on its way. Without, the client would wait forever."""
SIGNATURE = re.compile(r"(https?://[^\s?]+)\?\S+")
"""An address whose query lets whoever has it read or write."""
METRICS_SHARE = 0.75
"""Of that, what the client may take, so that it is left to say what has not arrived."""


def load_wandb() -> Any:
    """The package. Raises MissingPackage where it is not installed."""
    os.environ.setdefault("WANDB_SILENT", "true")  # it would talk to the person when it is imported
    # Where a client's second process listens. A job that inherits it would look for one that has ended long ago.
    os.environ.pop("WANDB_SERVICE", None)
    try:
        import wandb
    except ImportError as error:
        raise MissingPackage(f"Weights & Biases needs wandb ({error}); pip install 'tunewright[train]'") from None
    return wandb


def client_errors() -> tuple[type[Exception], ...]:
    """What the client raises when a server, a connection or its own second process fails; they have no common base."""
    wandb = load_wandb()
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError
    from wandb.sdk.mailbox import HandleAbandonedError, MailboxClosedError

    ours = (WandbApiFailedError, HandleAbandonedError, MailboxClosedError)
    return (wandb.Error, *ours, ValueError, OSError)


def load_workspaces() -> Any:
    """The package that makes dashboards. Raises MissingPackage where it is not installed."""
    load_wandb()
    try:
        import wandb_workspaces.workspaces as workspaces
    except ImportError as error:
        raise MissingPackage(f"dashboards need wandb-workspaces ({error}); pip install 'tunewright[train]'") from None
    return workspaces


def server_url() -> str:
    return os.environ.get(BASE_URL) or PUBLIC_SERVER


def page(entity: str, project: str) -> str:
    """The address of a project's page, which is at another host than the server's interface."""
    return f"{load_wandb().Settings(base_url=server_url()).app_url}/{entity}/{project}"


def connect_limit_s() -> float:
    """How long to try to reach the server, each time. UserError for what is no time."""
    return _seconds(CONNECT_VARIABLE, CONNECT_LIMIT_S)


def finish_limit_s() -> float:
    """How long the end of training waits for the mirror. UserError for what is no time."""
    return _seconds(FINISH_VARIABLE, FINISH_LIMIT_S)


def check_limits() -> None:
    """UserError for a limit of the environment that is no time."""
    connect_limit_s()
    finish_limit_s()


def client_settings(folder: Path, key: str, owner: int) -> Any:
    """For `wandb.init`. The client writes into `folder`, and shows how much of the machine the process `owner` uses."""
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
        init_timeout=connect_limit_s(),
        finish_timeout=METRICS_SHARE * finish_limit_s(),
        finish_timeout_raises=True,
        stop_fn=_go_on,
        x_stats_pid=owner,
    )


def interface(key: str) -> Any:
    """To read what the server has. It remembers what it was told, so a later look needs another one."""
    limit = math.ceil(connect_limit_s())
    return load_wandb().Api(api_key=key, overrides={"base_url": server_url()}, timeout=limit)


def sign_in(key: str) -> None:
    """For packages that use the client by themselves: they find the key in this process, and nowhere else."""
    wandb = load_wandb()
    wandb.setup(wandb.Settings(api_key=key, base_url=server_url(), silent=True))


def one_line(error: BaseException) -> str:
    """What the client says, without what is secret in the addresses of files."""
    return SIGNATURE.sub(r"\1", " ".join(str(error).split())) or type(error).__name__


def _go_on() -> None:
    """The button that stops a run on its page would interrupt the mirror, and leave the training as it is."""


def _seconds(variable: str, usual: float) -> float:
    given = os.environ.get(variable)
    try:
        seconds = float(given) if given else usual
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise UserError(f"{variable} is {given!r}, and it has to be a number of seconds above 0")
    return seconds
