"""The networks that a model file may name.

Each is a function of whole numbers that makes an `nn.Sequential` of named layers: frames go through one after the
other, and nothing else connects them. No layer changes what it is given, since others may be given it, too. Freeze
point f keeps the first f layers. The frames are float32
[frames, 3, height, width], RGB, from -1 to 1; what comes out are logits [frames, classes].
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.stem_sharing.checked import no_others, whole
from rllib_envs.stem_sharing.layered.efficientnet_lite import efficientnet_lite0
from rllib_envs.stem_sharing.layered.mobile import mobile
from rllib_envs.stem_sharing.layered.mobilenet_keras import mobilenet_keras

NETWORKS: dict[str, Callable[..., nn.Sequential]] = {
    "efficientnet_lite0": efficientnet_lite0,
    "mobile": mobile,
    "mobilenet_keras": mobilenet_keras,
}
MOST = 1 << 16
"""No setting is larger; with more, sizes of weights could no longer be counted."""
INPUT = "input"
"""The tensor of the frames."""


def build(name: str, settings: Mapping[str, Any]) -> nn.Sequential:
    """The network with weights as PyTorch draws them. Raises UserError for what is wrong with name or settings."""
    make = NETWORKS[choose(name, NETWORKS, "network")]
    no_others(settings, inspect.signature(make).parameters, f"the settings of network {name}")
    numbers = {setting: whole(value, f"{setting} of network {name}", low=1) for setting, value in settings.items()}
    if large := [setting for setting, value in numbers.items() if value > MOST]:
        raise UserError(f"{large[0]} of network {name} is {numbers[large[0]]}; at most {MOST} are possible")
    return make(**numbers).eval()


def tensor_names(network: nn.Sequential) -> dict[int, str]:
    """Where the layers from a freeze point on begin, as `frozen_layer_names` in `model_desc`."""
    names = (INPUT, *(name for name, _ in network.named_children()))
    return dict(enumerate(names))


def between(network: nn.Sequential, start: int = 0, end: int | None = None) -> nn.Sequential:
    """The layers from `start` to the one before `end`, under their names; they are the network's, no copies."""
    layers: Any = network[start:end]  # PyTorch's own types promise no more than a module
    return layers  # type: ignore[no-any-return]
