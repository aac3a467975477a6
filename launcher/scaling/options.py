"""The options of `launcher/network_scaling.py`, under the names that its users know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from launcher.options import at_least
from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.data.shapes import SHAPES
from rllib_envs.network_scaling.latency import check_platform
from rllib_envs.network_scaling.latency_file import BATCH
from rllib_envs.network_scaling.scaling import Scaling, parse_scaling
from rllib_envs.network_scaling.setting import Setting
from rllib_envs.network_scaling.training_setting import TrainingSetting


def short(flag: str) -> Any:
    """A second name of an option."""
    return tyro.conf.arg(aliases=[flag])


@dataclass(frozen=True)
class TrainingOptions:
    """What candidates are, and how they are trained."""

    model: Annotated[str, short("-m")] = "preactresnet18"
    """Base network: preactresnet18, preactresnet34, preactresnet50 or efficientnet_b0."""
    data: str = "fashion_mnist"
    """Images to learn from: fashion_mnist, digits, cifar10 or cifar100."""
    folder: Path | None = None
    """Where the images are, if they aren't installed."""
    epoch: Annotated[int, short("-e")] = 1
    """Passes over the images."""
    images: int = 10_000
    """Of the training part; 0 takes all."""
    validation: int = 5_000
    """Images that candidates are judged on; 0 takes all of the validation part."""
    batch: int = 128
    """Images a step."""
    learning_rate: float = 0.1
    """At its highest."""
    shift: int = 0
    """Pixels that each image is moved by at most, at random; pays from a dozen passes on."""
    unscaled_stem: bool = False
    """Keep the channels of the first convolution, as in the published figures."""

    @property
    def setting(self) -> Setting:
        """UserError where it makes no sense."""
        numbers = (self.images, self.validation, self.epoch, self.batch, self.learning_rate, self.shift)
        training = TrainingSetting(*numbers)
        return Setting(self.model, self.data, training, not self.unscaled_stem)


@dataclass(frozen=True)
class DeviceOptions:
    """What a network is for."""

    platform: Annotated[str, short("-p")] = "desktop"
    """raspberrypi, jetson or desktop."""
    device: Annotated[str, short("-v")] = "cpu"
    """cpu, or cuda where the platform has it."""


@dataclass(frozen=True)
class ScalingOptions:
    """A scaling of the base network."""

    width: Annotated[float, short("-w")] = 1.0
    """Factor of the channels, in steps of 0.1."""
    depth: Annotated[float, short("-d")] = 1.0
    """Factor of the blocks, in steps of 0.1."""
    resolution: Annotated[int, short("-r")] = 32
    """Pixels along a side of the input."""

    @property
    def scaling(self) -> Scaling:
        return parse_scaling(self.width, self.depth, self.resolution)


@dataclass(frozen=True)
class SharedOptions:
    """Where things are kept, and how errors are shown."""

    shared: Path | None = None
    """Folder of trained results, tables of latencies and logs; runs/network_scaling here, or under $LOOP_TOOL_ROOT."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class EvaluateOptions(SharedOptions, ScalingOptions, DeviceOptions, TrainingOptions):
    """Train one scaling for real, and measure it."""

    seed: int = 0
    """Of the weights and of the order of the images."""

    def check(self) -> None:
        check_platform(self.platform, self.device)
        at_least(("--seed", self.seed, 0))


@dataclass(frozen=True)
class SearchOptions(SharedOptions, ScalingOptions, DeviceOptions, TrainingOptions):
    """Find the most accurate scaling within bounds on latency and memory."""

    latency: float = 5.0
    """Most seconds for a batch of 64 images."""
    mem: float = 100.0
    """Most megabytes for one image."""
    id: int = 0
    """Of this search; several with different ids may run together, and share what they train."""
    table: str = ""
    """Table of accuracies, by its name or path: nothing is trained, unless --live is given too. The network, the images
    and the training are then the table's."""
    live: bool = False
    """With --table: train what the table lacks. Without a table everything is trained."""
    seeds: int | None = None
    """How often each candidate is trained. Not given: as often as in the table, or once."""
    method: str = ""
    """policy, hill_climbing, random, reinforce, compound, or another search of `tunewright compare`. Not given:
    hill climbing, from the best of a policy for network_scaling where there is one."""
    policy: Path | None = None
    """Policy folder or run directory. Not given: the newest run here, or else the policy that is shipped."""
    evaluations: int = 50
    """Networks to look at."""
    minutes: float | None = None
    """Most minutes to search; what was begun is finished."""
    steps: int = 40
    """From the start, or from a new beginning, at most; a policy takes as many as it was trained for."""

    def check(self) -> None:
        """Refuse what can't work before anything is read or written."""
        check_platform(self.platform, self.device)
        at_least(("--id", self.id, 0), ("--evaluations", self.evaluations, 1), ("--steps", self.steps, 1))
        for flag, value in (("--latency", self.latency), ("--mem", self.mem), ("--minutes", self.minutes)):
            if value is not None and not 0 < value < float("inf"):
                raise UserError(f"{flag} is {value:g}; it must be a number above 0")
        if self.live and not self.table:
            raise UserError("--live is for what a --table lacks; without a table everything is trained anyway")
        if self.seeds is not None and self.table and not self.live:
            raise UserError("--seeds is for what is trained; a --table has its own, unless --live is given")


@dataclass(frozen=True)
class ToyOptions:
    """The toy environment: nothing to train, and its optimum is (0.5, 0.3)."""

    method: str = "hill_climbing"
    """hill_climbing, random, reinforce, or another search of `tunewright compare`."""
    evaluations: int = 5_000
    """Places to look at."""
    id: int = 0
    """Seed of the search."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class RecordOptions(TrainingOptions):
    """Train every candidate of a grid, for policies to learn from. May be interrupted, and started several times."""

    table: Path = Path("table.json")
    """Table to make; one that is there is gone on with, whatever the other options say."""
    widths: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    """Factors, in steps of 0.1."""
    depths: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
    resolutions: tuple[int, ...] = (8, 12, 16, 20, 24, 28, 32)
    """Pixels along a side of the input."""
    seeds: int = 2
    """Trainings of each candidate."""
    threads: int = 1
    """Of each process; start as many as there are cores."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class MeasureOptions(SharedOptions, DeviceOptions):
    """Measure the latencies of a base network on this machine, for searches to use. May be interrupted."""

    model: Annotated[str, short("-m")] = "preactresnet18"
    """Base network."""
    data: str = "fashion_mnist"
    """Images that the network is for: they decide its channels and classes."""
    widths: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
    """Factors; between them latencies are interpolated, outside of them nothing is known."""
    resolutions: tuple[int, ...] = (8, 16, 24, 32)
    """Pixels, likewise."""
    batch: int = BATCH
    """Images at once."""
    unscaled_stem: bool = False
    """Keep the channels of the first convolution."""

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and classes."""
        return SHAPES[choose(self.data, SHAPES, "data set of images")]


@dataclass(frozen=True)
class ScriptOptions:
    """Write the program that measures latencies on a device: one file, which needs Python and PyTorch alone."""

    out: Path = Path("measure_latency.pyz")
    """Where to."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class ImportOptions(SharedOptions):
    """Take a table of latencies that was measured on a device."""

    table: Annotated[Path, tyro.conf.Positional] = Path()
    """The file that the program wrote there."""
