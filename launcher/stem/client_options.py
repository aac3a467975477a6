"""The options of `launcher/client.py`, which asks a server of `launcher/stem_sharing.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from launcher.stem.options import ADDRESS as EXECUTOR
from launcher.stem.options import ScheduleOptions, SchedulingOptions, StemTrainOptions
from launcher.stem_server.messages import ADDRESS


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """Whom to ask."""

    address: str = ADDRESS
    """Where the server listens."""
    token: Path | None = None
    """File with the secret that the server was started with."""
    patience: float = 10.0
    """Seconds for which to try again while the server or its Redis is gone."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True, kw_only=True)
class JobOptions(AskOptions):
    """How to ask for a job."""

    detach: bool = False
    """Print the job's name and end, rather than wait for it."""


@dataclass(frozen=True)
class ClientTrainOptions(JobOptions, StemTrainOptions):
    """Have an application fine-tuned once for each freeze point. Files are the server's, from this folder on."""

    replace: bool = False
    """Take the place of an application that is called so already."""


@dataclass(frozen=True)
class ClientScheduleOptions(JobOptions, ScheduleOptions):
    """Choose a freeze point and a rate for each application of a setup, or of those that the server has trained."""

    apps: tuple[str, ...] = ()
    """In place of a setup, which applications; all of them when there is neither."""
    stream_fps: int = 15
    """Frames/s of the video, without a setup."""


@dataclass(frozen=True)
class ClientDeployOptions(JobOptions, SchedulingOptions):
    """Have an executor run a setup's applications, or those that the server has trained, as planned."""

    setup: tyro.conf.Positional[Path] = Path()
    """JSON file with apps, video_desc and model_desc, or a benchmark file."""
    mode: str = "mainstream"
    """mainstream, nosharing or maxsharing."""
    apps: tuple[str, ...] = ()
    """In place of a setup, which applications; all of them when there is neither."""
    stream_fps: int = 15
    """Frames/s of the video, without a setup."""
    executor: str = EXECUTOR
    """Where the executor listens, as seen from the server."""
    executor_token: Path | None = None
    """File, of the server, with the secret that the executor was started with."""
    timeout: float = 120.0
    """Seconds until the executor has to answer."""


@dataclass(frozen=True)
class ListOptions(AskOptions):
    """List the applications that have been trained."""


@dataclass(frozen=True)
class ShowOptions(AskOptions):
    """Show how good an application is at each freeze point."""

    name: tyro.conf.Positional[str]
    """What it is called."""


@dataclass(frozen=True)
class StatusOptions(AskOptions):
    """Show how a job gets on, or the newest jobs."""

    job: tyro.conf.Positional[str] = ""
    """Which one."""
    wait: bool = False
    """Wait for its end, and end as it does."""
    most: int = 20
    """How many jobs to list."""


@dataclass(frozen=True)
class CancelOptions(AskOptions):
    """End a job, or take it out of the queue."""

    job: tyro.conf.Positional[str]
    """Which one."""
