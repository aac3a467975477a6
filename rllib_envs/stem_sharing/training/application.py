"""One application, fine-tuned at every freeze point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.stem_sharing.application import Variant
from rllib_envs.stem_sharing.layered.model_file import SUFFIX, Model
from rllib_envs.stem_sharing.training.activations import Activations
from rllib_envs.stem_sharing.training.base import Base
from rllib_envs.stem_sharing.training.finetune import Epoch, Part, Parts, fine_tune
from rllib_envs.stem_sharing.training.image_folder import hold_out, read_folder
from rllib_envs.stem_sharing.training.judging import false_positive_rate
from rllib_envs.stem_sharing.training.setting import Setting

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1


class Pictures(NamedTuple):
    """All images of an application."""

    train: Images
    validation: Images
    test: Images
    classes: tuple[str, ...]


class FineTuned(NamedTuple):
    """An application at one freeze point."""

    model: Model
    variant: Variant
    """Its `model_path` is the name of the file that the model should be in."""


def read_pictures(folder: Path, test_folder: Path | None, setting: Setting) -> Pictures:
    """Test images are of a folder of their own or a fifth of each class; validation images are a tenth of the rest.

    UserError where a class has too few images; else as `read_folder`.
    """
    images, classes = read_folder(folder, setting.n)
    rng = np.random.default_rng(setting.seed)
    if test_folder is not None:
        train, (test, _) = images, read_folder(test_folder, setting.n, classes)
    else:
        train, test = hold_out(images, TEST_SHARE, rng)
    train, validation = hold_out(train, VALIDATION_SHARE, rng)
    for label, name in enumerate(classes):
        if any(label not in part.labels for part in (train, validation, test)):
            least = 2 if test_folder else 3
            raise UserError(f"{folder / name} has too few images to learn from; there have to be {least} at least")
    return Pictures(train, validation, test, classes)


def train_application(
    name: str,
    base: Base,
    pictures: Pictures,
    points: Sequence[int],
    setting: Setting,
    done: Callable[[FineTuned], None],
    watch: Callable[[int, Epoch], None],
) -> None:
    """At each of the freeze points, which have to rise. `done` is told of each when it is; `watch` of each epoch.

    Frozen layers see each image once for all points, as long as their activations can be kept. Raises Diverged.
    """
    parts = Parts(
        _part(base, pictures.train, setting.data_augmentation),
        _part(base, pictures.validation, False),
        _part(base, pictures.test, False),
    )
    count = len(pictures.classes)
    for point in points:
        for part in parts:
            part.activations.move_to(point)
        network = base.for_classes(count, setting.seed)
        found = fine_tune(network, point, parts, setting, base.trained == 0, partial(watch, point))
        alarms = false_positive_rate(pictures.test.labels, found.found, count)
        settings = {**base.settings, "classes": count}
        model = Model(network, base.network, settings, (3, setting.n, setting.n), point, pictures.classes)
        done(FineTuned(model, Variant(point, found.accuracy, alarms, f"{name}-{point}{SUFFIX}")))


def _part(base: Base, images: Images, mirrored: bool) -> Part:
    pixels, labels = torch.from_numpy(np.ascontiguousarray(images.pixels)), torch.from_numpy(images.labels)
    if mirrored:
        pixels, labels = torch.cat((pixels, pixels.flip(3))), labels.repeat(2)
    return Part(Activations(base.layers, pixels), labels)
