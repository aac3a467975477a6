"""The file of a trained model: weights and a few words, nothing that could run.

It is a safetensors file (<model_dir>/<name>-<freeze point>.safetensors) with all of the network's weights, called as in
its `state_dict`: the layer's name, then the weight's. What is kept of the base network is there too, bit for bit, so
that each file is a whole classifier, and the layers below the freeze point are equal in all files of one base network.
The header's metadata, all of them text, are

    format        tunewright-layers
    version       1
    network       a name of `registry.NETWORKS`
    settings      its settings as a JSON object, such as {"classes": 5}
    input         [channels, height, width] of a frame, as JSON
    freeze_point  how many layers are kept
    labels        the classes' names in the order of the logits, as JSON
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.checked import whole
from rllib_envs.stem_sharing.layered.registry import build, tensor_names

FORMAT, VERSION = "tunewright-layers", 1
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Model:
    """One application's network as trained at one freeze point."""

    layers: nn.Sequential
    network: str
    settings: Mapping[str, int]
    input: tuple[int, int, int]
    """Channels, height and width of a frame."""
    freeze_point: int
    labels: tuple[str, ...]

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """Of each layer: what tells whether two are the same, bit for bit."""
        return tuple(_digest(layer) for layer in self.layers)

    @cached_property
    def points(self) -> dict[str, int]:
        """Number of each freeze point, by the name of the tensor there and as `layer_<number>`."""
        named = tensor_names(self.layers)
        return {f"layer_{point}": point for point in named} | {name: point for point, name in named.items()}


def write_model(path: Path, model: Model) -> None:
    """Raises UserError when there is no room, or no such folder."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    words = {
        "format": FORMAT,
        "version": str(VERSION),
        "network": model.network,
        "settings": json.dumps(dict(model.settings)),
        "input": json.dumps(model.input),
        "freeze_point": str(model.freeze_point),
        "labels": json.dumps(model.labels),
    }
    weights = {name: weight.contiguous() for name, weight in model.layers.state_dict().items()}
    try:
        save_file(weights, path, metadata=words)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} can't be written: {error}; make room or choose another place") from None


def read_model(path: Path) -> Model:
    """Raises UserError that says what is wrong with the file."""
    words, weights = _content(path)
    if (words.get("format"), words.get("version")) != (FORMAT, str(VERSION)):
        raise UserError(f"{path} is no model of {FORMAT} {VERSION}; export it with the trainer of stem sharing")
    settings = _parsed(path, words, "settings", dict)
    with torch.device("meta"):  # nothing is allocated for what the file says but does not hold
        layers = build(words.get("network", ""), settings)
    _put(path, layers, weights)
    sides = [whole(side, f"a number of the input of {path}", low=1) for side in _parsed(path, words, "input", list)]
    if len(sides) != 3:
        raise UserError(f"{path}: its input is {sides}; it has to be channels, height and width")
    point = whole(words.get("freeze_point"), f"the freeze point of {path}")
    if point > len(layers):
        raise UserError(f"{path} keeps {point} layers of a network that has {len(layers)}; export it again")
    labels = tuple(map(str, _parsed(path, words, "labels", list)))
    if len(labels) != settings.get("classes"):
        raise UserError(f"{path} has {len(labels)} labels for {settings.get('classes')} classes; export it again")
    return Model(layers, words["network"], settings, (sides[0], sides[1], sides[2]), point, labels)


def _content(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"there is no model {path}; train the application, or correct its model_path") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(f"{path} can't be read as a model ({error}); copy it again from its source") from None


def _parsed(path: Path, words: Mapping[str, str], name: str, kind: type) -> Any:
    try:
        found = json.loads(words.get(name, ""))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, kind):
        raise UserError(f"{path}: its {name} can't be read; export it again")
    return found


def _put(path: Path, layers: nn.Sequential, weights: Mapping[str, torch.Tensor]) -> None:
    expected = layers.state_dict()
    for name in sorted(expected.keys() | weights.keys()):
        here, there = weights.get(name), expected.get(name)
        if here is None or there is None or here.shape != there.shape or here.dtype != there.dtype:
            raise UserError(f"{path}: {name} is {_shape(here)} where {_shape(there)} is needed; export it again")
        if here.is_floating_point() and not bool(torch.isfinite(here).all()):
            raise UserError(f"{path}: {name} holds values that are no numbers; train the application again")
    layers.load_state_dict(dict(weights), assign=True)
    layers.requires_grad_(False)


def _shape(weight: torch.Tensor | None) -> str:
    return "nothing" if weight is None else f"{str(weight.dtype).removeprefix('torch.')} {list(weight.shape)}"


def _digest(layer: nn.Module) -> bytes:
    digest = hashlib.sha256()
    for name, weight in layer.state_dict().items():
        digest.update(f"{name} {weight.dtype} {list(weight.shape)}\n".encode())
        digest.update(weight.contiguous().numpy().tobytes())
    return digest.digest()


def same_stem(models: Sequence[Model], point: int) -> bool:
    """Whether the models have the first `point` layers in common, bit for bit."""
    return len({model.digests[:point] for model in models}) <= 1
