"""Images with labels, in three parts that have nothing in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.images import Images

SPLIT_SEED = 0
"""One for everybody, so that results mean the same wherever they come from."""

STATISTICS_OF = 5_000
"""Training images are enough for a mean."""


@dataclass(frozen=True)
class DataSet:
    """A data set. Selection sees `validation` only; `test` is for what was selected."""

    name: str
    classes: int
    train: Images = field(repr=False)
    """In random order, so that the first so many are a sample."""
    validation: Images = field(repr=False)
    test: Images = field(repr=False)
    mirrored: bool = True
    """Whether a mirrored image is as good as the original: not so for digits."""

    @property
    def channels(self) -> int:
        return int(self.train.pixels.shape[1])

    @cached_property
    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the training part, float32 [channels] each."""
        sample = self.train.pixels[:STATISTICS_OF].astype(np.float32)
        return sample.mean((0, 2, 3)), sample.std((0, 2, 3))


def split(images: Images, *counts: int) -> list[Images]:
    """Disjoint random parts of so many images, and of all that are left as the last one."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images.labels))
    return [images.take(part) for part in np.split(order, np.cumsum(counts))]


def check_images(what: str, images: Images, classes: int) -> None:
    """UserError where labels are not those of the data set, or where there are none."""
    labels = images.labels
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"{what} has labels that are not 0..{classes - 1}, or none; fetch it again")
