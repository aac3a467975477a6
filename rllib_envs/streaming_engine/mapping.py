"""A mapping: the slice of each node."""

from __future__ import annotations

from dataclasses import dataclass

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine.task import Task

UNPLACED = -1


class BadMapping(UserError):
    """A mapping that is not one of this graph on this device."""


@dataclass(frozen=True)
class Mapping:
    """Tile and spoke of each node, by index; both are UNPLACED for a node that has no slice yet."""

    tiles: tuple[int, ...]
    spokes: tuple[int, ...]

    @classmethod
    def empty(cls, nodes: int) -> Mapping:
        return cls((UNPLACED,) * nodes, (UNPLACED,) * nodes)

    def place(self, node: int, tile: int, spoke: int) -> Mapping:
        """The mapping with one node more, or with one node elsewhere."""
        return Mapping(
            (*self.tiles[:node], tile, *self.tiles[node + 1 :]),
            (*self.spokes[:node], spoke, *self.spokes[node + 1 :]),
        )

    def placed(self, node: int) -> bool:
        return self.tiles[node] != UNPLACED

    @property
    def complete(self) -> bool:
        return UNPLACED not in self.tiles

    def check(self, task: Task) -> None:
        """BadMapping if a slice is none of the device, or if nodes are missing or too many."""
        if not len(self.tiles) == len(self.spokes) == len(task.graph):
            raise BadMapping(
                f"the mapping has {len(self.tiles)} tiles and {len(self.spokes)} spokes, "
                f"the graph {len(task.graph)} nodes"
            )
        for node, (tile, spoke) in enumerate(zip(self.tiles, self.spokes, strict=True)):
            if (tile, spoke) == (UNPLACED, UNPLACED):
                continue
            if not (0 <= tile < task.device.tiles and 0 <= spoke < task.device.spokes):
                raise BadMapping(
                    f"node {task.graph.nodes[node].name!r} is on tile {tile}, spoke {spoke}; the device has tiles "
                    f"0 to {task.device.tiles - 1} and spokes 0 to {task.device.spokes - 1}"
                )
