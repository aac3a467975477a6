"""One task: a graph, the device that it goes on, the rules that hold, and what follows from the three together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.graph import ComputeGraph
from rllib_envs.streaming_engine.graph_json import graph_from_spec, graph_to_spec
from rllib_envs.streaming_engine.rules import Rules

PROBLEM = "streaming_engine"

Groups = tuple[tuple[int, ...], ...]


class DoesNotFit(UserError):
    """The device is too small for the graph, which is seen by counting."""


@dataclass(frozen=True)
class Task:
    """What is to be mapped on what. DoesNotFit when there are more nodes than places for them."""

    graph: ComputeGraph
    device: Device = field(default_factory=Device)
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        if len(self.graph) > self.device.slices:
            raise DoesNotFit(
                f"the graph has {len(self.graph)} nodes and the device {self.device.slices} slices "
                f"({self.device.tiles} tiles of {self.device.spokes} spokes); take a larger device"
            )
        largest = max(self.groups, key=len)
        if len(largest) > self.device.spokes:
            names = ", ".join(self.graph.nodes[node].name for node in largest[:6])
            raise DoesNotFit(
                f"tile memory keeps {len(largest)} nodes on one tile ({names}), which has {self.device.spokes} spokes; "
                "take a device with more spokes, or switch the tile-memory rule off"
            )

    @cached_property
    def apart(self) -> Groups:
        """For each node those that may not be on its tile: siblings, and other roots if it is one."""
        roots = self.graph.roots if self.rules.sync_flow else ()
        apart = []
        for node in range(len(self.graph)):
            others = set(self.graph.siblings[node]) if self.rules.sibling else set()
            apart.append(tuple(sorted(others | (set(roots) - {node} if node in roots else set()))))
        return tuple(apart)

    @cached_property
    def partners(self) -> Groups:
        """For each node those that use a tile-memory variable of its own."""
        partners: list[set[int]] = [set() for _ in self.graph.nodes]
        for users in self.graph.memory_users.values() if self.rules.tile_memory else ():
            for node in users:
                partners[node].update(users)
        return tuple(tuple(sorted(others - {node})) for node, others in enumerate(partners))

    @cached_property
    def groups(self) -> Groups:
        """The nodes by the tile that they must share: tile-memory groups, and every other node alone."""
        groups = self.graph.memory_groups if self.rules.tile_memory else ()
        grouped = {node for group in groups for node in group}
        return (*groups, *((node,) for node in range(len(self.graph)) if node not in grouped))

    @cached_property
    def group_of(self) -> tuple[int, ...]:
        """For each node the index of its group."""
        return tuple(index for _, index in sorted((node, i) for i, group in enumerate(self.groups) for node in group))

    @cached_property
    def groups_apart(self) -> Groups:
        """For each group those that may not be on its tile; a group that contains itself has no tile at all."""
        return tuple(
            tuple(sorted({self.group_of[other] for node in group for other in self.apart[node]}))
            for group in self.groups
        )

    @cached_property
    def latest(self) -> int:
        """No node is ready later than this, whatever the mapping."""
        farthest = int(self.device.hops(self.rules.pass_timing).max())
        return self.device.spokes + len(self.graph) * (self.device.pipeline_depth + farthest)

    @cached_property
    def time_type(self) -> type[np.signedinteger]:
        """The integers that batches of times are kept in: the smaller the faster. They hold twice `latest`."""
        return np.int16 if 2 * self.latest < np.iinfo(np.int16).max else np.int32

    def to_benchmark(self, name: str) -> Benchmark:
        spec = {
            "graph": graph_to_spec(self.graph),
            "device": self.device.to_spec(),
            "rules": self.rules.to_spec(),
        }
        return Benchmark(name, PROBLEM, spec)

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> Task:
        """UserError when the spec makes no sense. The graph may be in any format that `graph_json` reads."""
        spec = dict(benchmark.spec)
        parts = {name: spec.pop(name, {}) for name in ("graph", "device", "rules")}
        if spec or not all(isinstance(part, dict) for part in parts.values()):
            raise UserError(
                f"benchmark {benchmark.name!r} needs a graph, a device and rules (objects) and nothing else, "
                f"got {', '.join(benchmark.spec) or 'nothing'}"
            )
        graph = graph_from_spec(parts["graph"])
        return cls(graph, Device.from_spec(parts["device"]), Rules.from_spec(parts["rules"]))
