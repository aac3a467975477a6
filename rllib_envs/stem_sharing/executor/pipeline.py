"""Nets as parts of PyTorch networks, each of which takes what its parent gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn

from rllib_envs.stem_sharing.executor.messages import BadNets
from rllib_envs.stem_sharing.layered.model_file import Model, same_stem
from rllib_envs.stem_sharing.layered.registry import between
from rllib_envs.stem_sharing.nets import WireNet

Reader = Callable[[str], Model]


class Seen(NamedTuple):
    """What an application makes of a frame."""

    frame: int
    app_id: str | int
    label: str
    probability: float


class Pipeline:
    """The layers of each net, from the model that it names.

    A layer computes the same for the same input, in whichever net it runs, so what comes out is what each
    application's whole network would have given, bit for bit: provided that the layers of a stem are the same in all
    models that use it, which is made sure of.
    """

    def __init__(self, nets: Sequence[WireNet], read: Reader) -> None:
        """Raises UserError for models that can't be read, and BadNets for those that don't fit."""
        models = {path: read(path) for path in sorted({net.model_path for net in nets})}
        self._nets = tuple(nets)
        self._places = {net.net_id: place for place, net in enumerate(nets)}
        self._layers: list[nn.Sequential] = []
        self._labels: list[tuple[str, ...]] = []
        self._ends: list[int] = []
        for net in nets:
            model = models[net.model_path]
            parent = self._places.get(net.parent_id)
            start, end = _range(net, model)
            if start != (0 if parent is None else self._ends[parent]):
                raise BadNets(f"net {net.net_id} begins at {net.input_layer!r}, which is not where its parent ends")
            if parent is not None and not same_stem((models[nets[parent].model_path], model), start):
                raise BadNets(f"{net.model_path} has not kept the first {start} layers of the stem that it shares")
            self._layers.append(between(model.layers, start, end))
            self._labels.append(model.labels)
            self._ends.append(end)

    @torch.inference_mode()
    def run(self, frame: torch.Tensor, places: Iterable[int]) -> dict[int, torch.Tensor]:
        """Logits [1, classes] by place, of the applications' nets among `places`, which name parents first."""
        given: dict[int, torch.Tensor] = {}
        for place in places:
            parent = self._places.get(self._nets[place].parent_id)
            given[place] = self._layers[place](frame if parent is None else given[parent])
        return {place: output for place, output in given.items() if not self._nets[place].shared}

    def seen(self, number: int, logits: dict[int, torch.Tensor]) -> Iterator[Seen]:
        """What `run` returned for this frame, in words."""
        for place, found in logits.items():
            probability, index = found[0].softmax(0).max(0)
            yield Seen(number, self._nets[place].app_id, self._labels[place][int(index)], float(probability))


def _range(net: WireNet, model: Model) -> tuple[int, int]:
    """First layer, and the one behind the last; nets of applications go on to the end."""
    if model.input != (net.channels, net.height, net.width):
        sides = f"{net.channels} x {net.height} x {net.width}"
        raise BadNets(f"net {net.net_id} sees frames of {sides}; {net.model_path} was trained on {list(model.input)}")
    names = (net.input_layer, net.output_layer) if net.shared else (net.input_layer,)
    if unknown := [name for name in names if name not in model.points]:
        raise BadNets(f"{net.model_path} has no tensor {unknown[0]!r} for net {net.net_id}")
    start = model.points[net.input_layer]
    end = model.points[net.output_layer] if net.shared else len(model.layers)
    if start > end or (net.shared and start == end):
        raise BadNets(f"net {net.net_id} has no layers from {net.input_layer!r} to {net.output_layer!r}")
    return start, end
