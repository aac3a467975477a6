"""The network that applications begin as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.stem_sharing.layered.model_file import read_model
from rllib_envs.stem_sharing.layered.published_weights import put_published
from rllib_envs.stem_sharing.layered.registry import NETWORKS, between, build
from rllib_envs.stem_sharing.training.setting import PUBLISHED, RANDOM

OWN_LAYERS = {"efficientnet_lite0": 2, "mobile": 1, "mobilenet_keras": 2}
"""How many layers at a network's end are each application's own, with random weights in the beginning."""
WITH_PUBLISHED = "efficientnet_lite0"
FEWEST_CLASSES = 2


@dataclass(frozen=True)
class Base:
    """A network whose first layers have weights that all applications begin with."""

    network: str
    settings: Mapping[str, int]
    """Without the number of classes."""
    layers: nn.Sequential
    """The first of them, without applications' own."""
    trained: int
    """How many layers somebody has trained: the highest freeze point."""

    def for_classes(self, classes: int, seed: int) -> nn.Sequential:
        """An application's network: layers of the base, and own ones with weights that the seed draws."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            network = build(self.network, {**self.settings, "classes": classes})
        for name, layer in self.layers.named_children():
            network.get_submodule(name).load_state_dict(layer.state_dict())
        return network

    @cached_property
    def names(self) -> list[str]:
        """Of all layers, applications' own among them."""
        return [name for name, _ in self.for_classes(FEWEST_CLASSES, 0).named_children()]


def load_base(network: str, weights: str, seed: int) -> Base:
    """With published weights, with random ones that the seed draws, or with those of a model file.

    UserError where there is no such network, where nobody has published weights of it, and where the file is of another
    one. MissingPackage where published weights aren't installed.
    """
    choose(network, NETWORKS, "base network (net)")
    if weights not in (PUBLISHED, RANDOM):
        model = read_model(Path(weights))
        if model.network != network:
            raise UserError(f"{weights} has weights of {model.network}, and net is {network}; they have to be of one")
        settings = {name: number for name, number in model.settings.items() if name != "classes"}
        layers = between(model.layers, end=len(model.layers) - OWN_LAYERS[network])
        return Base(network, settings, layers, len(layers))
    if weights == PUBLISHED and network != WITH_PUBLISHED:
        raise UserError(
            f"there are no published weights of {network}; set weights to a model file of it, or to {RANDOM} to train "
            f"one at freeze point 0"
        )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        whole = build(network, {"classes": FEWEST_CLASSES})
    layers = between(whole, end=len(whole) - OWN_LAYERS[network])
    if weights == PUBLISHED:
        put_published(layers)
    return Base(network, {}, layers, len(layers) if weights == PUBLISHED else 0)
