"""Dead ends seen before they are reached: choices of the decoder after which some node is bound to find no slice.

Nodes that share tile memory form a group, and a group goes on one tile; any other node is a group of its own. Three
things are kept for every episode and decide what is still possible:

    room      a tile is open to a group unless a group that must be apart from it is there, and it must have as many
              spokes left as the group has nodes; spokes are set aside for all of a group when its first node is placed
    rivals    a choice may not take the last tile that is open to a group without node so far
    implied   a node on whose tile its group already is, and all of whose operands have times, has one slice only, and
              so a time; that slice is set aside, and a choice may not move it onto one that is taken

Each is a necessary condition, so nothing that can be completed is ever masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rllib_envs.streaming_engine.task import Groups, Task

if TYPE_CHECKING:
    from rllib_envs.streaming_engine.decoder import Candidates, Decoder

PLANS_KEPT = 1024
"""One a task; a few kB each."""


class Plan(NamedTuple):
    """What each step of the topological order settles; the same in all episodes."""

    first: tuple[bool, ...]
    """Whether the step's node is the first one of its group."""
    rivals: Groups
    """Groups without node so far that may lose a tile by it."""
    implied: Groups
    """Nodes that have one slice only from this step on, in topological order."""
    hopeless: bool
    """Whether two nodes must be on one tile and must not, or more nodes need a tile each than there are tiles."""


@lru_cache(maxsize=PLANS_KEPT)
def make_plan(task: Task) -> Plan:
    started: set[int] = set()
    timed: set[int] = set()
    """Nodes that are placed or implied."""
    first, rivals, implied = [], [], []
    for node in task.graph.order:
        group = task.group_of[node]
        first.append(group not in started)
        started.add(group)
        timed.add(node)
        losing = set(task.groups_apart[group]) | {index for index, nodes in enumerate(task.groups) if len(nodes) > 1}
        rivals.append(tuple(sorted(losing - started)) if first[-1] else ())
        now = []
        for other in task.graph.order:
            before = task.graph.predecessors[other]
            if other not in timed and before and timed.issuperset(before) and task.group_of[other] in started:
                now.append(other)
                timed.add(other)
        implied.append(tuple(now))
    families = [task.graph.roots] if task.rules.sync_flow else []
    families.extend(task.graph.successors if task.rules.sibling else [])
    crowded = any(len(family) > task.device.tiles for family in families)
    hopeless = crowded or any(index in apart for index, apart in enumerate(task.groups_apart))
    return Plan(tuple(first), tuple(rivals), tuple(implied), hopeless)


class LookAhead:
    """What a decoder with look-ahead keeps beside its mappings."""

    def __init__(self, task: Task, batch: int, bits: np.dtype[np.unsignedinteger]) -> None:
        self.task, self.plan = task, make_plan(task)
        tiles = task.device.tiles
        self.open = np.ones((len(task.groups), tiles, batch), bool)
        """bool [groups, tiles, batch]: no group is there that must be apart."""
        self.reserved = np.zeros((tiles, batch), np.int16)
        """Spokes of each tile that groups with a node there need in all."""
        self.set_aside = np.zeros((tiles, batch), bits)
        """Spokes of each tile that an implied node has, as bits."""
        self._implied: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        """Tiles and starts [batch] of the nodes that are implied and not placed."""

    def restrict(self, decoder: Decoder, candidates: Candidates) -> np.ndarray:
        """bool [candidates, batch]: which of the candidates may be completed, as far as this can see."""
        if self.plan.hopeless:
            return np.zeros_like(candidates.legal)
        legal: np.ndarray = candidates.legal
        bits = self.set_aside.dtype.type
        turn = bits(1) << candidates.spokes.astype(bits)
        if candidates.node not in self._implied:
            legal = legal & (self.set_aside[candidates.tiles] & turn == 0)
        if self.plan.first[decoder.step]:
            legal = legal & self._room(decoder)[candidates.tiles]
        else:
            legal = legal & (candidates.tiles[:, None] == decoder.tiles[self._placed_member(decoder, candidates.node)])
        found = [(candidates.tiles[:, None], candidates.spokes)]
        for _, tiles, starts in self._slices(decoder, candidates.tiles[:, None], candidates.starts):
            busy, spokes = self._busy(decoder, tiles), self._spokes(starts)
            legal = legal & (busy & (bits(1) << spokes.astype(bits)) == 0)
            for other_tiles, other_spokes in found:
                legal &= (tiles != other_tiles) | (spokes != other_spokes)
            found.append((tiles, spokes))
        return legal

    def _room(self, decoder: Decoder) -> np.ndarray:
        """bool [tiles, batch]: where the first node of a group can go with regard to whole groups."""
        spokes = self.task.device.spokes
        group = self.task.group_of[decoder.node]
        size = len(self.task.groups[group])
        room = self.open[group] & (self.reserved + size <= spokes)
        for rival in self.plan.rivals[decoder.step]:
            needed = len(self.task.groups[rival])
            loses = has = self.open[rival] & (self.reserved + needed <= spokes)
            if rival not in self.task.groups_apart[group]:
                loses = has & (self.reserved + (size + needed) > spokes)
            room &= ~(loses & (has.sum(axis=0, dtype=np.int16) <= 1))
        return np.asarray(room)

    def _busy(self, decoder: Decoder, tiles: np.ndarray) -> np.ndarray:
        """The spokes of tiles [n, 1] or [1, batch] that are taken or set aside, as bits [n, batch]."""
        busy = decoder.taken | self.set_aside
        return busy[tiles[:, 0]] if tiles.shape[1] == 1 else np.take_along_axis(busy, tiles.astype(np.intp), axis=0)

    def _spokes(self, starts: np.ndarray) -> np.ndarray:
        turns = self.task.device.spokes
        return np.asarray(starts - starts // turns * turns)

    def _slices(
        self, decoder: Decoder, tiles: np.ndarray, starts: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each node that is implied once the node at hand is on `tiles` at `starts`, its tile and its start."""
        group, known = self.task.group_of[decoder.node], {**self._implied, decoder.node: (tiles, starts)}
        for node in self.plan.implied[decoder.step]:
            own = tiles
            if self.task.group_of[node] != group or not self.plan.first[decoder.step]:
                own = decoder.tiles[self._placed_member(decoder, node)][None, :]
            known[node] = own, decoder.arrivals(node, own, known)
            yield node, *known[node]

    def _placed_member(self, decoder: Decoder, node: int) -> int:
        """A node of the same group that is placed already."""
        members = self.task.groups[self.task.group_of[node]]
        return next(one for one in self.task.graph.order[: decoder.step] if one in members)

    def note(self, decoder: Decoder, tiles: np.ndarray, starts: np.ndarray) -> None:
        """Keep what follows from putting the node at hand on `tiles` [batch] at `starts`; before it is counted in."""
        bits = self.set_aside.dtype.type
        lanes = np.arange(decoder.batch)
        for node, own, when in list(self._slices(decoder, tiles[None, :], starts[None, :])):
            self.set_aside[own[0], lanes] |= bits(1) << self._spokes(when[0]).astype(bits)
            self._implied[node] = own[0], when[0]
        self._implied.pop(decoder.node, None)
        if self.plan.first[decoder.step]:
            group = self.task.group_of[decoder.node]
            here = np.arange(self.task.device.tiles, dtype=np.int16)[:, None] == tiles
            self.reserved += here * np.int16(len(self.task.groups[group]))
            for other in self.task.groups_apart[group]:
                self.open[other] &= ~here
