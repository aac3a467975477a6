"""Training an architecture on a data set, and how good it is on images that it did not learn from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.data.dataset import DataSet
from rllib_envs.network_scaling.layers import blocks_of
from rllib_envs.network_scaling.networks import Network, make_network
from rllib_envs.network_scaling.training_setting import TrainingSetting

MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4
STEEPEST = 1.0
"""Gradients longer than this are shortened to it: deep and wide networks would diverge at a rate that others need."""
WARM_UP_SHARE = 0.3
"""Of all steps, until the learning rate is at its highest."""
JUDGED_AT_ONCE = 512
FASTER_IN_BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Processors with one of these flags; on others 16 bits are emulated."""


class Epoch(NamedTuple):
    """What came of one pass over the images. Losses in nats, accuracies in percent."""

    number: int
    seconds: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float


class Trained(NamedTuple):
    """A network that was trained."""

    network: Network
    epochs: int
    """Those that were run."""
    accuracy: float
    """Percent of the validation part, after the last epoch: choosing the best epoch would be a second selection."""
    seconds: float
    how: str
    """In which precision, and on which GPU if on one."""
    error: str = ""
    """Why it does not count."""


def train(
    architecture: Architecture,
    data: DataSet,
    setting: TrainingSetting,
    seed: int = 0,
    watch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train from fresh weights, on a GPU where there is one. The process's own random numbers are left as they were."""
    began = time.perf_counter()
    device = training_device()
    images = _first(data.train, setting.images)
    if len(images.labels) < setting.batch:
        raise UserError(f"{len(images.labels)} images are less than a batch of {setting.batch}; take a smaller one")
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(seed)
        network = make_network(architecture).to(device)
        trained = _Training(network, architecture, data, setting).run(images, seed, watch)
    return trained._replace(seconds=time.perf_counter() - began)


class _Training:
    """One training: the network, and what updates it."""

    def __init__(self, network: Network, architecture: Architecture, data: DataSet, setting: TrainingSetting) -> None:
        self.network, self.architecture, self.data, self.setting = network, architecture, data, setting
        self.device = device_of(network)
        self.precision = precision_of(architecture, self.device)
        self.judged = _first(data.validation, setting.validation)
        self.steps = len(_first(data.train, setting.images).labels) // setting.batch
        self.optimizer = torch.optim.SGD(
            network.parameters(), setting.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, setting.learning_rate, self.steps * setting.epochs, pct_start=WARM_UP_SHARE
        )

    def run(self, images: Images, seed: int, watch: Callable[[Epoch], None]) -> Trained:
        rng, lowest, since = np.random.default_rng(seed), math.inf, 0
        how = self.precision
        if self.device.type == "cuda":
            how += f" on {torch.cuda.get_device_name(self.device)}"
        for number in range(1, self.setting.epochs + 1):
            began = time.perf_counter()
            train_loss = self._pass(images, rng)
            loss, accuracy = judge(self.network, self.architecture.resolution, self.data, self.judged)
            watch(Epoch(number, time.perf_counter() - began, train_loss, loss, accuracy))
            if not math.isfinite(train_loss + loss):
                return Trained(self.network, number, accuracy, 0.0, how, f"diverged in epoch {number}")
            lowest, since = (loss, 0) if loss < lowest else (lowest, since + 1)
            if since >= self.setting.patience:
                break
        return Trained(self.network, number, accuracy, 0.0, how)

    def _pass(self, images: Images, rng: np.random.Generator) -> float:
        """The mean loss over one pass."""
        self.network.train()
        total = torch.zeros((), device=self.device)  # added up where it is: to read it each time would wait for the GPU
        order = rng.permutation(len(images.labels))
        for step in range(self.steps):
            batch = images.take(order[step * self.setting.batch : (step + 1) * self.setting.batch])
            pixels = prepared(batch, self.architecture.resolution, self.data, self.device)
            pixels = _varied(pixels, rng, self.data.mirrored, self.setting.shift)
            with _faster(self.device, self.precision):
                logits = self.network(pixels)
            loss = functional.cross_entropy(logits.float(), torch.from_numpy(batch.labels).to(self.device))
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), STEEPEST)
            self.optimizer.step()
            self.schedule.step()
            total += loss.detach()
        return total.item() / self.steps


def judge(network: Network, resolution: int, data: DataSet, images: Images) -> tuple[float, float]:
    """The mean loss in nats, and the accuracy in percent."""
    network.eval()
    device = device_of(network)
    loss = hits = 0.0
    with torch.inference_mode():
        for batch in _batches(images, JUDGED_AT_ONCE):
            labels = torch.from_numpy(batch.labels).to(device)
            with _faster(device, precision_on(device)):
                logits = network(prepared(batch, resolution, data, device))
            loss += functional.cross_entropy(logits.float(), labels, reduction="sum").item()
            hits += int((logits.argmax(1) == labels).sum())
    return loss / len(images.labels), 100 * hits / len(images.labels)


def prepared(images: Images, resolution: int, data: DataSet, device: torch.device) -> torch.Tensor:
    """float32 [count, channels, resolution, resolution]: resized, of mean 0 and deviation 1 on the training part."""
    pixels = torch.from_numpy(images.pixels).to(device).float()
    if pixels.shape[-1] != resolution or pixels.shape[-2] != resolution:
        size = (resolution, resolution)
        pixels = functional.interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    mean, deviation = (torch.from_numpy(numbers).to(device)[:, None, None] for numbers in data.statistics)
    pixels = (pixels - mean) / deviation
    return pixels.contiguous(memory_format=torch.channels_last)


def _varied(pixels: torch.Tensor, rng: np.random.Generator, mirrored: bool, shift: int) -> torch.Tensor:
    """Each image mirrored or not, and moved by some pixels."""
    images = len(pixels)
    if mirrored:
        chosen = torch.from_numpy(rng.random(images) < 0.5).to(pixels.device)
        pixels = torch.where(chosen[:, None, None, None], pixels.flip(3), pixels)
    if shift:
        size = pixels.shape[-1]
        places = functional.pad(pixels, (shift,) * 4, mode="replicate").unfold(2, size, 1).unfold(3, size, 1)
        down, right = torch.from_numpy(rng.integers(0, 2 * shift + 1, (2, images))).to(pixels.device)
        pixels = places[torch.arange(images, device=pixels.device), :, down, right]
    return pixels.contiguous(memory_format=torch.channels_last)


def _first(images: Images, count: int) -> Images:
    """So many, or all of them for 0."""
    return images.take(slice(None)) if count == 0 else images.take(slice(count))


def _batches(images: Images, size: int) -> Iterator[Images]:
    for start in range(0, len(images.labels), size):
        yield images.take(slice(start, start + size))


def training_device() -> torch.device:
    """A GPU where PyTorch sees one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(network: Network) -> torch.device:
    return next(network.parameters()).device


@cache
def precision_on(device: torch.device) -> str:
    """ "bfloat16" where that is faster, else "float32".

    Not on a GPU, where networks as small as these wait for their operations to be begun: in 16 bits there are more of
    them, and a training took 1.2 times as long (H200).
    """
    cpu = Path("/proc/cpuinfo")
    if device.type != "cpu" or not cpu.exists():
        return "float32"
    flags = cpu.read_text().partition("\nflags")[2].partition("\n")[0].split()
    return "bfloat16" if any(flag in flags for flag in FASTER_IN_BFLOAT16) else "float32"


def precision_of(architecture: Architecture, device: torch.device) -> str:
    """As `precision_on`, but "float32" where a convolution strides over maps of one pixel.

    In 16 bits, PyTorch 2.13 leaves what happens to be in memory as the gradients of its weights that see padding alone.
    """
    one_pixel = any(block.size == 1 and block.stride > 1 for block in blocks_of(architecture))
    return "float32" if one_pixel else precision_on(device)


def _faster(device: torch.device, precision: str) -> torch.autocast:
    """Convolutions and products in 16 bits where that helps."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
