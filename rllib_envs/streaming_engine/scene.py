"""A decision as a policy is shown it: partial mappings with the same nodes placed, and what is to be chosen in each.

There are two kinds of decision. A root may start in any spoke's turn, so its spoke is chosen first, and then its
tile; for any other node the tile implies the spoke. There are thus never more candidates than tiles or spokes.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rllib_envs.streaming_engine.step_traits import Rival, step_traits
from rllib_envs.streaming_engine.task import Task


class Scene:
    """Arrays have a last axis of `batch`: as many mappings, built in lockstep."""

    def __init__(
        self,
        task: Task,
        step: int,
        tiles: np.ndarray,
        starts: np.ndarray,
        taken: np.ndarray,
        when: np.ndarray,
        legal: np.ndarray,
        choosing_spoke: bool = False,
    ) -> None:
        self.task = task
        self.at = step_traits(task, step)
        self.traits = self.at.traits
        self.tiles, self.starts = tiles, starts
        """int [nodes, batch]; anything for a node that is not among the first `step` of the topological order."""
        self.taken = taken
        """uint64 [tiles, batch]: the spokes of each tile that have a node, as bits."""
        self.when = when
        """int [candidates, batch]: the cycle in which the node at hand would start."""
        self.ready = when + task.device.pipeline_depth
        """int [candidates, batch]: the cycle in which its result would be ready."""
        self.legal = legal
        """bool [candidates, batch]"""
        self.choosing_spoke = choosing_spoke
        """Whether the candidates are spokes, of a root; otherwise they are tiles."""
        self.batch = when.shape[1]
        late = task.latest + 1
        first = np.where(legal, when, late).min(axis=0)
        self.first = np.where(first == late, 0, first)
        """int [batch]: the earliest legal start; 0 where nothing is legal."""
        self.horizon = self._horizon()
        """int [batch]: a bound on the makespan, given what is placed."""

    @cached_property
    def rival_starts(self) -> list[np.ndarray]:
        """For each rival int [tiles, batch]: when it could start on each tile, given those of its operands that are
        placed; beyond every start where it may not be."""
        return [self._starts_of(rival) for rival in self.at.rivals]

    def _starts_of(self, rival: Rival) -> np.ndarray:
        traits, depth = self.traits, self.task.device.pipeline_depth
        starts = np.zeros((len(traits.hops), self.batch), np.int64)
        for node in self.at.placed_of(self.task.graph.predecessors[rival.node]):
            np.maximum(starts, self.starts[node] + depth + traits.hops[:, self.tiles[node]], out=starts)
        starts[self.tiles[rival.apart], np.arange(self.batch)] = self.task.latest + 1
        return starts

    def rival_delays(self) -> np.ndarray:
        """int [tiles, batch]: by how many cycles rivals could start later if the node at hand took their tile: each
        has the best that the ones before it leave."""
        delays, lanes = np.zeros((len(self.traits.hops), self.batch), np.int64), np.arange(self.batch)
        kept: list[np.ndarray] = []
        for starts in map(np.copy, self.rival_starts):
            for tiles in kept:
                starts[tiles, lanes] = self.task.latest + 1
            earliest = np.sort(starts, axis=0)[:2]
            delays += (starts == earliest[0]) * (earliest[-1] - earliest[0])
            kept.append(starts.argmin(axis=0))
        return delays

    def crowding(self) -> np.ndarray:
        """int [tiles, batch]: how many pairs there would be, if the node at hand took a tile, of a node that must come
        there later and one that may be in its way then. None where the node at hand is itself one that must."""
        waiting, lanes = np.zeros((len(self.traits.hops), self.batch), np.int64), np.arange(self.batch)
        if self.at.group_placed:
            return waiting
        for node, count in self.at.waiting:
            waiting[self.tiles[node], lanes] += count
        others = np.bitwise_count(self.taken).astype(np.int64) + waiting
        return np.asarray(waiting + len(self.at.later) * others)

    def _horizon(self) -> np.ndarray:
        placed = self.at.placed
        if not placed:
            return np.full(self.batch, self.traits.bound)
        ends = self.starts[placed] + self.traits.tails[placed, None]
        return np.asarray(np.maximum(ends.max(axis=0), self.traits.bound))
