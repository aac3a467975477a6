"""The options of `launcher/stem_sharing.py server`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launcher.stem_server.messages import ADDRESS


@dataclass(frozen=True)
class ServerOptions:
    """Train, plan and deploy for clients, until a signal ends it; jobs outlive it."""

    address: str = ADDRESS
    """Where to listen; anything but this machine alone needs --token."""
    token: Path | None = None
    """File with a secret of 24 characters or more, which clients have, too."""
    data: Path = Path("stem_jobs")
    """Folder of jobs, which a Redis keeps that is started with this."""
    redis: str = ""
    """In place of --data, the address of a Redis that runs: redis://127.0.0.1:6379/0, rediss://, unix://PATH."""
    redis_password: Path | None = None
    """File with its password, where it has one."""
    root: Path = Path()
    """Clients may have files read and written below this folder."""
    trainers: int = 1
    """Trainings at a time."""
    planners: int = 1
    """Schedules that are looked for at a time."""
    lease: float = 15.0
    """Seconds after which the jobs of a server that isn't heard of are another's, where several share a Redis."""
    debug: bool = False
    """Show the traceback of an error."""
