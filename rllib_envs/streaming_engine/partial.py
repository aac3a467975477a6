"""One mapping under construction, in plain numbers: what `decoder` does for many at once, here for a single one.

Calling numpy for arrays of one entry costs more than the arithmetic, so this is ten times as fast as a decoder of
batch 1. Sets of tiles are the bits of an integer. The two masks agree everywhere, which the tests hold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rllib_envs.streaming_engine.look_ahead import PLANS_KEPT, Plan, make_plan
from rllib_envs.streaming_engine.mapping import UNPLACED, Mapping
from rllib_envs.streaming_engine.task import Task


class Layout(NamedTuple):
    """What is the same for all mappings of a task."""

    plan: Plan
    hops: tuple[tuple[int, ...], ...]
    """Cycles from tile to tile."""
    by_centre: tuple[int, ...]
    """The tiles, those nearest to all others first."""


@lru_cache(maxsize=PLANS_KEPT)
def make_layout(task: Task) -> Layout:
    plan = make_plan(task)
    hops = tuple(tuple(row) for row in task.device.hops(task.rules.pass_timing).tolist())
    by_centre = tuple(sorted(range(task.device.tiles), key=lambda tile: (sum(hops[tile]), tile)))
    return Layout(plan, hops, by_centre)


class PartialMapping:
    """The first nodes of the topological order on their slices. With `look_ahead` as in the module of that name."""

    def __init__(self, task: Task, look_ahead: bool = True) -> None:
        tiles, spokes = task.device.tiles, task.device.spokes
        every = (1 << tiles) - 1
        self.task, self.look_ahead, self.layout = task, look_ahead, make_layout(task)
        self.step = 0
        """Nodes placed so far; the next is `task.graph.order[step]`."""
        self.tiles = [UNPLACED] * len(task.graph)
        self.starts = [0] * len(task.graph)
        self.taken = [0] * tiles
        """The spokes of each tile that have a node, as bits."""
        self._set_aside = [0] * tiles
        """The spokes of each tile that an implied node has, as bits."""
        self._implied: dict[int, tuple[int, int]] = {}
        """Tile and start of the nodes that are implied and not placed."""
        self._group_tile = [UNPLACED] * len(task.groups)
        self._open = [every] * len(task.groups)
        """For each group the tiles that no group is on from which it must be apart."""
        self._reserved = [0] * tiles
        """Spokes of each tile that the groups on it need in all."""
        self._fits = [every] * (spokes + 1)
        """For each number of spokes the tiles that have so many which are not reserved."""

    def copy(self) -> PartialMapping:
        twin: PartialMapping = object.__new__(PartialMapping)
        twin.task, twin.look_ahead, twin.layout, twin.step = self.task, self.look_ahead, self.layout, self.step
        own = "tiles", "starts", "taken", "_set_aside", "_implied", "_group_tile", "_open", "_reserved", "_fits"
        for name in own:
            setattr(twin, name, getattr(self, name).copy())
        return twin

    @property
    def finished(self) -> bool:
        return self.step == len(self.task.graph)

    @property
    def node(self) -> int:
        """The node at hand."""
        return self.task.graph.order[self.step]

    @property
    def at_root(self) -> bool:
        """Whether the node at hand has no predecessor, and so may start in any spoke's turn."""
        return not self.task.graph.predecessors[self.node]

    def arrivals(self) -> list[int]:
        """For each tile the cycle in which the node at hand would start there; it is no root."""
        depth, hops = self.task.device.pipeline_depth, self.layout.hops
        rows = []
        for source in self.task.graph.predecessors[self.node]:
            ready = self.starts[source] + depth
            rows.append([ready + distance for distance in hops[self.tiles[source]]])
        return rows[0] if len(rows) == 1 else list(map(max, *rows))

    def legal_tiles(self, starts: list[int]) -> list[bool]:
        """For each tile whether the node at hand may go there, where it starts in cycle `starts[tile]`."""
        room = self.room()
        return [bool(room >> tile & 1) and self.allows(tile, start) for tile, start in enumerate(starts)]

    def legal_spokes(self) -> list[bool]:
        """For each spoke whether a root at hand may start in its turn, on whatever tile."""
        room = self.room()
        tiles = [tile for tile in range(len(self.taken)) if room >> tile & 1]
        return [any(self.allows(tile, spoke) for tile in tiles) for spoke in range(self.task.device.spokes)]

    def room(self) -> int:
        """The tiles that the node at hand may have with regard to whole tiles, as bits."""
        if self.look_ahead:
            return self._room_for_groups()
        room, node = (1 << len(self.taken)) - 1, self.node
        for other in self.task.apart[node]:
            if self.tiles[other] != UNPLACED:
                room &= ~(1 << self.tiles[other])
        for other in self.task.partners[node]:
            if self.tiles[other] != UNPLACED:
                room &= 1 << self.tiles[other]
        return room

    def _room_for_groups(self) -> int:
        """Of the group of the node at hand, its own tile, or those after which no other group is without one."""
        task, plan, spokes = self.task, self.layout.plan, self.task.device.spokes
        if plan.hopeless:
            return 0
        group = task.group_of[self.node]
        if self._group_tile[group] != UNPLACED:
            return 1 << self._group_tile[group]
        size = len(task.groups[group])
        room = self._open[group] & self._fits[size]
        for rival in plan.rivals[self.step]:
            needed = len(task.groups[rival])
            has = self._open[rival] & self._fits[needed]
            if has & (has - 1):  # it has two tiles or more
                continue
            if rival in task.groups_apart[group] or size + needed > spokes:
                room &= ~has
            else:
                room &= ~has | self._fits[size + needed]
        return room

    def allows(self, tile: int, start: int) -> bool:
        """Whether the node at hand may start in this cycle on a tile on which it has room."""
        spokes = self.task.device.spokes
        turn = 1 << start % spokes
        if self.taken[tile] & turn:
            return False
        if not self.look_ahead:
            return True
        if self._set_aside[tile] & turn and self.node not in self._implied:
            return False
        found = [(tile, turn)]
        for own, when in self._implied_by(tile, start).values():
            other_turn = 1 << when % spokes
            if (self.taken[own] | self._set_aside[own]) & other_turn or (own, other_turn) in found:
                return False
            found.append((own, other_turn))
        return True

    def _implied_by(self, tile: int, start: int) -> dict[int, tuple[int, int]]:
        """Tile and start of each node that is implied once the node at hand starts there and then."""
        implied: dict[int, tuple[int, int]] = {}
        if not self.layout.plan.implied[self.step]:
            return implied
        task, hops = self.task, self.layout.hops
        group, depth = task.group_of[self.node], task.device.pipeline_depth
        known = {**self._implied, self.node: (tile, start)}
        for node in self.layout.plan.implied[self.step]:
            own = self._group_tile[task.group_of[node]]
            if own == UNPLACED and task.group_of[node] == group:
                own = tile
            latest = 0
            for source in task.graph.predecessors[node]:
                there, when = known.get(source) or (self.tiles[source], self.starts[source])
                latest = max(latest, when + hops[there][own])
            implied[node] = known[node] = own, latest + depth
        return implied

    def place(self, tile: int, start: int) -> None:
        """Put the node at hand where it is allowed, and go on to the next."""
        task, node = self.task, self.node
        if self.look_ahead:
            for other, (own, when) in self._implied_by(tile, start).items():
                self._set_aside[own] |= 1 << when % task.device.spokes
                self._implied[other] = own, when
            self._implied.pop(node, None)
            group = task.group_of[node]
            if self._group_tile[group] == UNPLACED:
                self._reserve(group, tile)
        self.tiles[node], self.starts[node] = tile, start
        self.taken[tile] |= 1 << start % task.device.spokes
        self.step += 1

    def _reserve(self, group: int, tile: int) -> None:
        """A tile and its spokes for all nodes of a group."""
        task, spokes, here = self.task, self.task.device.spokes, ~(1 << tile)
        self._group_tile[group] = tile
        for other in task.groups_apart[group]:
            self._open[other] &= here
        left = spokes - self._reserved[tile]
        self._reserved[tile] += len(task.groups[group])
        for count in range(max(0, spokes - self._reserved[tile]) + 1, left + 1):
            self._fits[count] &= here

    def mapping(self) -> Mapping:
        """What is placed so far."""
        spokes = self.task.device.spokes
        turns = (
            start % spokes if tile != UNPLACED else UNPLACED
            for tile, start in zip(self.tiles, self.starts, strict=True)
        )
        return Mapping(tuple(self.tiles), tuple(turns))
