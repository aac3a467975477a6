"""A schedule as the nets that an executor runs: the message that deploys it.

A net is a part of the network from one tensor to another. Shared ones have no application, and hand on what they
compute to nets that have them for a parent. They cost together exactly what the schedule costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from rllib_envs.stem_sharing.application import Application
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.schedule import Choice, Schedule

NOBODY = -1
"""The parent of a net that sees frames, and the application of a net that is shared."""


@dataclass(frozen=True)
class WireNet:
    """A net as it is sent: names of tensors, no numbers of layers."""

    net_id: int
    app_id: str | int
    parent_id: int
    input_layer: str
    output_layer: str
    channels: int
    width: int
    height: int
    target_fps: float
    shared: bool
    model_path: str


@dataclass(frozen=True)
class Net(WireNet):
    """Layers `start` to the one before `end`, at `target_fps` frames/s."""

    start: int
    end: int

    def message(self) -> dict[str, Any]:
        """What a `WireNet` has of it."""
        return {field.name: getattr(self, field.name) for field in fields(WireNet)}


def nets(network: BaseNetwork, applications: Sequence[Application], schedule: Schedule) -> list[Net]:
    """Parents come before children: first the applications that share nothing; then the stem's segments, each followed
    by the applications that leave it at its end, by rising freeze point.
    """
    built: list[Net] = []

    def add(app: int | None, parent: int, start: int, end: int, rate: float, model_path: str) -> int:
        output = network.tensor(end) if end < network.layers else _output(network)
        built.append(
            Net(
                net_id=len(built),
                app_id=NOBODY if app is None else applications[app].app_id,
                parent_id=parent,
                start=start,
                end=end,
                input_layer=network.tensor(start),
                output_layer=output,
                channels=network.channels,
                width=network.width,
                height=network.height,
                target_fps=rate,
                shared=app is None,
                model_path=model_path,
            )
        )
        return built[-1].net_id

    def branch(app: int, parent: int, start: int) -> None:
        path = applications[app].variant(schedule[app].freeze_point).model_path
        add(app, parent, start, network.layers, schedule[app].rate, path)

    for app, choice in enumerate(schedule):
        if choice.freeze_point == 0:
            branch(app, NOBODY, 0)
    left = sorted((app for app, choice in enumerate(schedule) if choice.freeze_point), key=lambda app: schedule[app])
    parent, start = NOBODY, 0
    while len(left) > 1:
        end = schedule[left[0]].freeze_point
        path = applications[left[0]].variant(end).model_path
        parent = add(None, parent, start, end, max(schedule[app].rate for app in left), path)
        start = end
        while left and schedule[left[0]].freeze_point == end:
            branch(left.pop(0), parent, start)
    if left:
        branch(left[0], parent, start)
    return built


def cost_of(network: BaseNetwork, deployed: Sequence[Net]) -> float:
    """What the nets cost: the same as `schedule.cost` of what they were made from."""
    return sum(network.between(net.start, net.end) * net.target_fps for net in deployed)


def observed(
    schedule: Schedule, deployed: Sequence[Net], applications: Sequence[Application], rates: Sequence[float]
) -> Schedule:
    """The schedule with the rates that an executor reached, which it reports for the nets that are not shared."""
    reached = dict(zip((net.app_id for net in deployed if not net.shared), rates, strict=True))
    return tuple(
        Choice(choice.freeze_point, reached[app.app_id]) for app, choice in zip(applications, schedule, strict=True)
    )


def _output(network: BaseNetwork) -> str:
    return network.tensors.get(network.layers, network.tensors[max(network.tensors)] if network.tensors else "output")
