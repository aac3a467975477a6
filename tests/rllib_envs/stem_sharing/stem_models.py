"""Applications of one base network with random weights, as a trainer would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.layered.model_file import Model, write_model
from rllib_envs.stem_sharing.layered.registry import build, tensor_names
from rllib_envs.stem_sharing.network import BaseNetwork

SETTINGS = {"classes": 3, "width": 4}
SHAPE = (3, 16, 24)
LABELS = ("bus", "car", "nothing")


def base_network(latencies: Sequence[float] | None = None) -> BaseNetwork:
    network = build("mobile", SETTINGS)
    return BaseNetwork(tuple(latencies or (1.0,) * len(network)), tensor_names(network), *SHAPE)


def write_variant(folder: Path, app_id: str, freeze_point: int, seed: int) -> str:
    """A model whose layers from the freeze point on are its own; its path in the folder."""
    torch.manual_seed(0)
    kept = build("mobile", SETTINGS)
    torch.manual_seed(seed)
    own = build("mobile", SETTINGS)
    layers = torch.nn.Sequential()
    for index, ((name, base), trained) in enumerate(zip(kept.named_children(), own, strict=True)):
        layers.add_module(name, base if index < freeze_point else trained)
    path = f"{app_id}-{freeze_point}.safetensors"
    write_model(folder / path, Model(layers, "mobile", SETTINGS, SHAPE, freeze_point, LABELS))
    return path


def write_applications(folder: Path, freeze_points: Sequence[Sequence[int]]) -> tuple[Application, ...]:
    """With models at these freeze points each; the more is kept, the less accurate they are."""
    apps = []
    for index, points in enumerate(freeze_points):
        name = f"app_{index}"
        paths = {point: write_variant(folder, name, point, 100 * (index + 1) + point) for point in points}
        variants = (Variant(point, 0.95 - 0.01 * point, 0.05, path) for point, path in paths.items())
        apps.append(Application(name, tuple(variants)))
    return tuple(apps)
