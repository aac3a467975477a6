"""The options of `launcher/stem_sharing.py`, under the names that its users know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rllib_envs.stem_sharing.checked import member
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.quality import Aggregate, Quality
from rllib_envs.stem_sharing.schedulers import MODES


@dataclass(frozen=True)
class SchedulingOptions:
    """What is best, and who says so."""

    budget: Annotated[float, tyro.conf.arg(aliases=["-b"])] = 350.0
    """What computing may cost, in the unit of the layers' latencies times frames/s."""
    metric: Annotated[str, tyro.conf.arg(aliases=["-m"])] = "f1"
    """What to make best: f1, fnr or fpr; with -x at the end, alerts need several frames in a row."""
    x_vote: Annotated[int, tyro.conf.arg(aliases=["-x"])] = 0
    """How many frames in a row make an alert, for metrics that end with -x."""
    agg: str = Aggregate.MEAN
    """avg: the mean over applications; min: the worst of them."""
    event_length: str = EventLength.CORRECTED
    """corrected, or compatible with the published program."""
    scheduler: Annotated[str, tyro.conf.arg(aliases=["-s"])] = "exact"
    """exact (with proof), greedy, published_greedy, or policy: the newest run here, or else the one that is shipped."""
    debug: bool = False
    """Show the traceback of an error."""

    @property
    def quality(self) -> Quality:
        """UserError where it makes no sense."""
        length = member(EventLength, self.event_length, "--event-length")
        return Quality(self.metric, member(Aggregate, self.agg, "--agg"), length)


@dataclass(frozen=True)
class ScheduleOptions(SchedulingOptions):
    """Choose a freeze point and a rate for each application of a setup."""

    setup: tyro.conf.Positional[Path] = Path()
    """JSON file with apps, video_desc and model_desc, or a benchmark file."""
    mode: str = "mainstream"
    """mainstream, nosharing or maxsharing."""
    emit: Path | None = None
    """Write the nets to deploy into this JSON file."""


@dataclass(frozen=True)
class ExperimentOptions(SchedulingOptions):
    """Compare sharing as much as is worth it with sharing nothing and sharing all, for ever more applications."""

    num_apps: tyro.conf.Positional[int] = 0
    """The most applications that run at once."""
    outfile_prefix: tyro.conf.Positional[str] = ""
    """Files are written to this and -mainstream, -nosharing, -maxsharing and .png."""
    setup: Path | None = None
    """JSON file with apps, video_desc and model_desc, whose applications are taken in turns."""
    datasets: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-d"])] = ()
    """Files of accuracies that a trainer wrote, of which applications are made in place of the setup's."""
    versions: tuple[str, ...] = tuple(MODES)
    """What to compare."""


@dataclass(frozen=True)
class StemTrainOptions:
    """Fine-tune an application from a base network, once for each freeze point."""

    name: tyro.conf.Positional[str]
    """What the application is called."""
    config_file: tyro.conf.Positional[Path]
    """INI file with a section [finetune-config]."""
    model_dir: tyro.conf.Positional[Path]
    """Models are written there, as NAME-INDEX.safetensors, and model_desc.json."""
    log_dir: tyro.conf.Positional[Path]
    """NAME-accuracy and history are written there."""
    indices: tyro.conf.Positional[str]
    """Freeze points: all, a number N for 0, 5, ..., N, some with commas between them, or mobilenets, resnet or
    inception for networks of as many layers."""
    image_dir: tyro.conf.Positional[Path]
    """Folder of images, with a sub-folder for each class."""
    image_test_dir: tyro.conf.Positional[Path | None] = None
    """Likewise, to judge by; without it a fifth of each class is taken for that."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class LatencyOptions:
    """Measure what each layer of a base network takes for a frame, on this machine."""

    config_file: tyro.conf.Positional[Path]
    """INI file with a section [finetune-config]."""
    model_dir: tyro.conf.Positional[Path]
    """model_desc.json is written there."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class SetupOptions:
    """Make a setup of applications that were trained."""

    setup: tyro.conf.Positional[Path]
    """JSON file to write."""
    model_dir: tyro.conf.Positional[Path]
    """Folder with their model_desc.json."""
    accuracies: tyro.conf.Positional[tuple[Path, ...]]
    """The files NAME-accuracy of the applications."""
    stream_fps: int = 15
    """Frames/s of the video."""
    debug: bool = False
    """Show the traceback of an error."""


ADDRESS = "tcp://127.0.0.1:5555"


@dataclass(frozen=True)
class DeployOptions(SchedulingOptions):
    """Have an executor run a setup's applications, and plan again until it does as planned."""

    setup: tyro.conf.Positional[Path] = Path()
    """JSON file with apps, video_desc and model_desc, or a benchmark file."""
    mode: str = "mainstream"
    """mainstream, nosharing or maxsharing."""
    address: str = ADDRESS
    """Where the executor listens."""
    token: Path | None = None
    """File with the secret that the executor was started with."""
    timeout: float = 120.0
    """Seconds until it has to answer; it loads models, and measures rates for some seconds."""


@dataclass(frozen=True)
class ExecutorOptions:
    """Run what is deployed on a video, until a signal ends it."""

    address: str = ADDRESS
    """Where to listen; anything but this machine alone needs --token."""
    token: Path | None = None
    """File with a secret of 24 characters or more, which who deploys has, too."""
    models: Path = Path()
    """Folder of the models that nets name; nothing outside it is read."""
    video: Path | None = None
    """Folder of images, shown in the order of their names over and over; noise without it."""
    stream_fps: float = 15.0
    """Frames/s of the video."""
    window: float = 3.0
    """Seconds for which rates are measured after each deployment."""
    threads: int = 1
    """Threads that compute."""
    results: Path | None = None
    """Append a JSON line to this file for each look: frame, application, label, probability."""
    capacity: float | None = None
    """Run nothing, and say what a box would reach that can do so much, in latency times frames/s; needs --setup."""
    setup: Path | None = None
    """The scheduler's setup, for --capacity."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class ClientOptions:
    """Ask a server: train, list, show, schedule, deploy, status or cancel; `client --help` explains them."""
