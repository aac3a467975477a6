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
from torch.nn import functional

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.data.dataset import DataSet
from rllib_envs.network_scaling.networks import Network, make_network
from rllib_envs.network_scaling.training_setting import TrainingSetting

MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4
WARM_UP_SHARE = 0.3
"""Of all steps, until the learning rate is at its highest."""
SHIFT = 16
"""Images are moved by up to a sixteenth of their size, as 2 of 32 pixels are usual."""
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
    precision: str
    error: str = ""
    """Why it does not count."""


def train(
    architecture: Architecture,
    data: DataSet,
    setting: TrainingSetting,
    seed: int = 0,
    watch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train from fresh weights. The process's own random numbers are left as they were."""
    began = time.perf_counter()
    images = _first(data.train, setting.images)
    if len(images.labels) < setting.batch:
        raise UserError(f"{len(images.labels)} images are less than a batch of {setting.batch}; take a smaller one")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        trained = _Training(make_network(architecture), architecture, data, setting).run(images, seed, watch)
    return trained._replace(seconds=time.perf_counter() - began)


class _Training:
    """One training: the network, and what updates it."""

    def __init__(self, network: Network, architecture: Architecture, data: DataSet, setting: TrainingSetting) -> None:
        self.network, self.architecture, self.data, self.setting = network, architecture, data, setting
        self.judged = _first(data.validation, setting.validation)
        self.steps = len(_first(data.train, setting.images).labels) // setting.batch
        self.optimizer = torch.optim.SGD(
            network.parameters(), setting.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, setting.learning_rate, self.steps * setting.epochs, pct_start=WARM_UP_SHARE
        )

    def run(self, images: Images, seed: int, watch: Callable[[Epoch], None]) -> Trained:
        rng, lowest, since, precision = np.random.default_rng(seed), math.inf, 0, precision_here()
        for number in range(1, self.setting.epochs + 1):
            began = time.perf_counter()
            train_loss = self._pass(images, rng)
            loss, accuracy = judge(self.network, self.architecture.resolution, self.data, self.judged)
            watch(Epoch(number, time.perf_counter() - began, train_loss, loss, accuracy))
            if not math.isfinite(train_loss + loss):
                return Trained(self.network, number, accuracy, 0.0, precision, f"diverged in epoch {number}")
            lowest, since = (loss, 0) if loss < lowest else (lowest, since + 1)
            if since >= self.setting.patience:
                break
        return Trained(self.network, number, accuracy, 0.0, precision)

    def _pass(self, images: Images, rng: np.random.Generator) -> float:
        """The mean loss over one pass."""
        self.network.train()
        total = 0.0
        order = rng.permutation(len(images.labels))
        for step in range(self.steps):
            batch = images.take(order[step * self.setting.batch : (step + 1) * self.setting.batch])
            pixels = prepared(batch, self.architecture.resolution, self.data)
            pixels = _varied(pixels, rng, self.data.mirrored)
            with _faster():
                logits = self.network(pixels)
            loss = functional.cross_entropy(logits.float(), torch.from_numpy(batch.labels))
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.schedule.step()
            total += loss.item()
        return total / self.steps


def judge(network: Network, resolution: int, data: DataSet, images: Images) -> tuple[float, float]:
    """The mean loss in nats, and the accuracy in percent."""
    network.eval()
    loss = hits = 0.0
    with torch.inference_mode():
        for batch in _batches(images, JUDGED_AT_ONCE):
            labels = torch.from_numpy(batch.labels)
            with _faster():
                logits = network(prepared(batch, resolution, data))
            loss += functional.cross_entropy(logits.float(), labels, reduction="sum").item()
            hits += int((logits.argmax(1) == labels).sum())
    return loss / len(images.labels), 100 * hits / len(images.labels)


def prepared(images: Images, resolution: int, data: DataSet) -> torch.Tensor:
    """float32 [count, channels, resolution, resolution]: resized, of mean 0 and deviation 1 on the training part."""
    pixels = torch.from_numpy(images.pixels).float()
    if pixels.shape[-1] != resolution or pixels.shape[-2] != resolution:
        size = (resolution, resolution)
        pixels = functional.interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    mean, deviation = (torch.from_numpy(numbers)[:, None, None] for numbers in data.statistics)
    pixels = (pixels - mean) / deviation
    return pixels.contiguous(memory_format=torch.channels_last)


def _varied(pixels: torch.Tensor, rng: np.random.Generator, mirrored: bool) -> torch.Tensor:
    """Each image mirrored or not, and all moved by some pixels."""
    if mirrored:
        chosen = torch.from_numpy(rng.random(len(pixels)) < 0.5)
        pixels = torch.where(chosen[:, None, None, None], pixels.flip(3), pixels)
    size = pixels.shape[-1]
    margin = size // SHIFT
    down, right = rng.integers(0, 2 * margin + 1, 2)
    padded = functional.pad(pixels, (margin,) * 4)
    return padded[:, :, down : down + size, right : right + size].contiguous(memory_format=torch.channels_last)


def _first(images: Images, count: int) -> Images:
    """So many, or all of them for 0."""
    return images.take(slice(None)) if count == 0 else images.take(slice(count))


def _batches(images: Images, size: int) -> Iterator[Images]:
    for start in range(0, len(images.labels), size):
        yield images.take(slice(start, start + size))


@cache
def precision_here() -> str:
    """ "bfloat16" where the processor multiplies such numbers faster, else "float32"."""
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text().partition("\nflags")[2].partition("\n")[0].split() if cpu.exists() else []
    return "bfloat16" if any(flag in flags for flag in FASTER_IN_BFLOAT16) else "float32"


def _faster() -> torch.autocast:
    """Convolutions and products in 16 bits where that helps."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision_here() == "bfloat16")
