"""How applications are fine-tuned: the users' configuration file."""

from __future__ import annotations

import math
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.names import choose

SECTION = "finetune-config"
PUBLISHED, RANDOM = "imagenet", "none"
"""Weights that are no file's."""
OPTIMIZERS = ("adam", "adamax", "nadam", "rmsprop", "sgd")
WITHOUT_EFFECT = ("nb_phase_two_epoch", "num_mega_epochs", "output_dir")
"""What published configurations have, and their program reads, but does not use."""
TRUTHS = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


@dataclass(frozen=True)
class Setting:
    """The entries, with what they are where the file doesn't say. `learning-rate` is written with a hyphen there."""

    net: str = "efficientnet_lite0"
    """A name of `layered/registry.py`."""
    weights: str = "imagenet"
    """"imagenet" for those of a package, "none" to begin with random ones, or a model file of the same network."""
    n: int = 224
    """Pixels along a side of the images."""
    batch_size: int = 32
    max_nb_epoch: int = 40
    early_stop: bool = True
    """End before `max_nb_epoch` where the loss on held-out images doesn't fall."""
    patience: int = 0
    """How many epochs in a row may be no better than the best one before that."""
    data_augmentation: bool = False
    """Learn from each image's mirror image, too."""
    heavy_augmentation: bool = False
    """Has to be false: images that change all the time have no activations that could be kept."""
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    decay: float = 0.0
    """The learning rate of epoch 0, 1, ... is divided by 1 + decay * epoch."""
    seed: int = 1337
    """Of the split, of an application's own layers, and of the order of images."""

    def __post_init__(self) -> None:
        choose(self.optimizer, OPTIMIZERS, "optimizer")
        least = {"n": 8, "batch_size": 1, "max_nb_epoch": 1, "patience": 0, "seed": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise UserError(f"{name} of a fine-tuning is {getattr(self, name)}; it has to be at least {lowest}")
        if not 0 < self.learning_rate < math.inf or not 0 <= self.decay < math.inf:
            raise UserError("learning-rate of a fine-tuning has to be above 0, and decay at least 0")
        if self.heavy_augmentation:
            raise UserError("heavy_augmentation can't be had with kept activations; use data_augmentation")


def read_setting(path: Path) -> tuple[Setting, tuple[str, ...]]:
    """From an INI file with the section [finetune-config]; and which of its entries have no effect.

    UserError names what is wrong.
    """
    parser = ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    try:
        parser.read_string(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise UserError(f"configuration file {path} can't be read: {error}") from None
    if not parser.has_section(SECTION):
        raise UserError(f"configuration file {path} has no section [{SECTION}]")
    kinds = {field.name.replace("learning_", "learning-"): field for field in fields(Setting)}
    given: dict[str, Any] = {}
    unused = []
    for name, text in parser.items(SECTION):
        if name in WITHOUT_EFFECT:
            unused.append(name)
            continue
        field = kinds[choose(name, kinds, f"entry in [{SECTION}] of {path}")]
        given[field.name] = _value(text, type(field.default), f"{name} in {path}")
    return Setting(**given), tuple(unused)


def _value(text: str, kind: type, where: str) -> Any:
    if kind is bool:
        return TRUTHS[choose(text.lower(), TRUTHS, where)]
    try:
        return kind(text)
    except ValueError:
        needed = {int: "a whole number", float: "a number"}[kind]
        raise UserError(f"{where} is {text!r}; give {needed}") from None
