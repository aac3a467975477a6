"""Folders of small images, and a small base network, for tests of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from rllib_envs.stem_sharing.training.base import Base, load_base
from rllib_envs.stem_sharing.training.setting import Setting

COLOURS: Mapping[str, tuple[int, int, int]] = {"blue": (40, 60, 200), "red": (200, 60, 40)}


def write_images(folder: Path, count: int, colours: Mapping[str, tuple[int, int, int]] = COLOURS) -> Path:
    """So many images of each class: its colour, with noise."""
    rng = np.random.default_rng(0)
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = np.array(colour) + rng.integers(-40, 40, (20, 24, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{index:02}.png")
    return folder


def small_base() -> Base:
    """Twelve layers of random weights, the first eleven of which pass for trained ones."""
    base = load_base("mobile", "none", 1)
    return Base(base.network, base.settings, base.layers, len(base.layers))


SMALL = Setting(net="mobile", n=16, batch_size=8, max_nb_epoch=4, learning_rate=0.01, patience=4)
