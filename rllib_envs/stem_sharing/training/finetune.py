"""Fine-tuning the layers above a freeze point on activations that the layers below it give."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from rllib_envs.errors import TunewrightError
from rllib_envs.stem_sharing.layered.registry import between
from rllib_envs.stem_sharing.training.activations import Activations
from rllib_envs.stem_sharing.training.judging import accuracy
from rllib_envs.stem_sharing.training.setting import Setting

JUDGED_AT_ONCE = 128
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


class Diverged(TunewrightError):
    """The loss is no number any more."""


class Part(NamedTuple):
    """Images of one purpose."""

    activations: Activations
    labels: torch.Tensor
    """int64 [images]."""


class Parts(NamedTuple):
    """What is learned from, what says when to end, and what is looked at afterwards. They have nothing in common."""

    train: Part
    validation: Part
    test: Part


class Epoch(NamedTuple):
    """What came of one pass over the images. Losses in nats, accuracies from 0 to 1."""

    number: int
    validation_loss: float
    validation_accuracy: float
    test_loss: float
    test_accuracy: float


class Judged(NamedTuple):
    loss: float
    """Mean, in nats."""
    accuracy: float
    found: np.ndarray
    """int64 [images]: the likeliest class of each."""


def fine_tune(
    network: nn.Sequential,
    point: int,
    parts: Parts,
    setting: Setting,
    learn_statistics: bool,
    watch: Callable[[Epoch], None],
) -> Judged:
    """Train the layers from `point` on, leave those of the best epoch in `network`, and judge them on the test images.

    The best epoch is that of the lowest loss on validation images. Norms keep the means and variances of the base
    network, which a few images could only spoil, unless `learn_statistics`. Raises Diverged.
    """
    own = between(network, point)
    network.requires_grad_(False)
    own.requires_grad_(True)
    optimizer = OPTIMIZERS[setting.optimizer](own.parameters(), lr=setting.learning_rate)
    slower = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + setting.decay * epoch))
    shuffled = torch.Generator().manual_seed(setting.seed)
    lowest, best, since = math.inf, copy.deepcopy(own.state_dict()), 0
    for number in range(setting.max_nb_epoch):
        own.train(learn_statistics)
        _learn(own, point, parts.train, optimizer, setting.batch_size, shuffled)
        slower.step()
        network.eval()
        validation, test = (judge(own, point, part) for part in (parts.validation, parts.test))
        watch(Epoch(number, validation.loss, validation.accuracy, test.loss, test.accuracy))
        if not math.isfinite(validation.loss):
            raise Diverged(
                f"fine-tuning at freeze point {point} diverged in epoch {number}; try a learning-rate below "
                f"{setting.learning_rate:g}"
            )
        if validation.loss < lowest:
            lowest, best, since = validation.loss, copy.deepcopy(own.state_dict()), 0
            continue
        since += 1
        if setting.early_stop and since > setting.patience:
            break
    own.load_state_dict(best)
    network.requires_grad_(False)
    return judge(own, point, parts.test)


def _learn(
    own: nn.Sequential,
    point: int,
    part: Part,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    shuffled: torch.Generator,
) -> None:
    """One pass in random order."""
    order = torch.randperm(len(part.labels), generator=shuffled)
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        loss = functional.cross_entropy(own(part.activations.take(places, point)), part.labels[places])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def judge(own: nn.Sequential, point: int, part: Part) -> Judged:
    """The layers from `point` on, on all images of a part."""
    loss, found = 0.0, []
    with torch.inference_mode():
        for some in _some(len(part.labels)):
            logits = own(part.activations.take(some, point))
            loss += functional.cross_entropy(logits, part.labels[some], reduction="sum").item()
            found.append(logits.argmax(1).numpy())
    classes = np.concatenate(found)
    return Judged(loss / len(part.labels), accuracy(part.labels.numpy(), classes), classes)


def _some(count: int) -> Iterator[slice]:
    for start in range(0, count, JUDGED_AT_ONCE):
        yield slice(start, start + JUDGED_AT_ONCE)
