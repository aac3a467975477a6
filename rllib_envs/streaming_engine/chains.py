"""Mappings of one task that are changed in lockstep, each scored by its makespan and by the rules that it breaks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np

from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.task import Task

PENALTY = 2.0
"""Cycles for each node too many on a slice and each pair on one tile that should be apart."""
PULL = 0.25
"""Of the mean start, beside the makespan: where the last node can't be improved, others can."""
NEAR = 2
"""Tiles from a neighbour's in each direction, for a move near it."""


class Score(NamedTuple):
    """What each chain is worth."""

    makespans: np.ndarray
    """int32 [chains]: the cycle in which everything is ready, valid or not."""
    broken: np.ndarray
    """[chains]: what the penalty is for; 0 where the mapping is valid."""
    energies: np.ndarray
    """float32 [chains]: what annealing lowers."""


class Group(NamedTuple):
    """What moving a group of nodes takes."""

    members: np.ndarray
    roots: np.ndarray
    """Those of the members that have no predecessor."""
    timed: np.ndarray
    """Nodes whose start may change: the roots, then all other members and what waits for them, in order."""
    apart: np.ndarray
    """Nodes that may not be on the group's tile, as often as there are members that they must be apart from."""
    neighbours: np.ndarray
    """Nodes outside that members read from or feed."""


class Chains:
    """Tiles and starts, [nodes, chains]; spokes are what starts leave."""

    def __init__(self, task: Task, tiles: np.ndarray, spokes: np.ndarray) -> None:
        """From tiles and spokes [nodes, chains], complete; a group is together, and only the spokes of roots count."""
        self.task = task
        self.tiles, self.starts = tiles.astype(np.int16), spokes.astype(task.time_type)
        self._sinks = np.array(task.graph.sinks)
        self._lanes = np.arange(tiles.shape[1]) * task.device.slices
        self._time([node for node in task.graph.order if task.graph.predecessors[node]])
        self.pairs = np.zeros(tiles.shape[1], np.int32)
        """Pairs of nodes on one tile that should be apart."""
        for node, others in enumerate(task.apart):
            self.pairs += (self.tiles[[other for other in others if other < node]] == self.tiles[node]).sum(axis=0)
        self.score = self._score(self.pairs)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """What moving each group takes; not needed where nothing is moved."""
        return tuple(_group(self.task, index) for index in range(len(self.task.groups)))

    @property
    def count(self) -> int:
        return len(self.pairs)

    def mapping(self, chain: int) -> Mapping:
        spokes = self.starts[:, chain] % self.task.device.spokes
        return Mapping(tuple(self.tiles[:, chain].tolist()), tuple(spokes.tolist()))

    def draw(self, chosen: np.ndarray) -> None:
        """Go on with these chains [chains], some of them perhaps several times."""
        self.tiles, self.starts, self.pairs = self.tiles[:, chosen], self.starts[:, chosen], self.pairs[chosen]
        self.score = Score(*(part[chosen] for part in self.score))

    def step(self, temperature: float, rng: np.random.Generator) -> None:
        """Propose a move to each chain, and make it where it is good or, by Metropolis' rule, not too bad."""
        group = self.groups[rng.integers(len(self.groups))]
        old_tiles, old_starts = self.tiles[group.members], self.starts[group.timed]
        tiles = old_tiles[0]
        if len(group.roots) and rng.random() < 0.5:
            root = rng.choice(group.roots)
            self.starts[root] = rng.integers(self.task.device.spokes, size=self.count)
        else:
            tiles = self._tiles(group, rng)
            self.tiles[group.members] = tiles
        self._time(group.timed[len(group.roots) :])
        others = self.tiles[group.apart]
        pairs = self.pairs + (others == tiles).sum(axis=0) - (others == old_tiles[0]).sum(axis=0)
        score = self._score(pairs)
        worse = (score.energies - self.score.energies) / np.float32(temperature)
        kept = worse > rng.standard_exponential(self.count, np.float32)
        self.tiles[group.members] = np.where(kept, old_tiles, self.tiles[group.members])
        self.starts[group.timed] = np.where(kept, old_starts, self.starts[group.timed])
        self.pairs = np.where(kept, self.pairs, pairs)
        self.score = Score(*(np.where(kept, old, new) for old, new in zip(self.score, score, strict=True)))

    def _tiles(self, group: Group, rng: np.random.Generator) -> np.ndarray:
        """A tile for the group in each chain: any, or one near that of a neighbour."""
        device = self.task.device
        if not len(group.neighbours) or rng.random() < 0.25:
            return rng.integers(device.tiles, size=self.count, dtype=np.int16)
        row, column = np.divmod(self.tiles[rng.choice(group.neighbours)], device.columns)
        moves = rng.integers(-NEAR, NEAR + 1, size=(2, self.count), dtype=np.int16)
        row = np.clip(row + moves[0], 0, device.rows - 1)
        return np.asarray(row * np.int16(device.columns) + np.clip(column + moves[1], 0, device.columns - 1))

    def _time(self, nodes: Iterable[int]) -> None:
        """Starts of these nodes, which have predecessors, one after the other."""
        task = self.task
        for node in nodes:
            here = self.tiles[node]
            arrivals = (
                self.starts[source] + task.device.distance(self.tiles[source], here, task.rules.pass_timing)
                for source in task.graph.predecessors[node]
            )
            self.starts[node] = reduce(np.maximum, arrivals) + task.device.pipeline_depth

    def _score(self, pairs: np.ndarray) -> Score:
        turns = self.task.device.spokes
        spokes = self.starts - self.starts // turns * turns
        taken = np.zeros(self.count * self.task.device.slices, bool)
        taken[self.tiles * np.intp(turns) + spokes + self._lanes] = True
        free = len(self.tiles) - np.count_nonzero(taken.reshape(self.count, -1), axis=1)
        broken = pairs + free
        makespans = self.starts[self._sinks].max(axis=0).astype(np.int32) + self.task.device.pipeline_depth
        mean = self.starts.mean(axis=0, dtype=np.float32)
        energies = makespans + np.float32(PULL) * mean + np.float32(PENALTY) * broken
        return Score(makespans, broken, energies.astype(np.float32))


def _group(task: Task, index: int) -> Group:
    graph, members = task.graph, task.groups[index]
    later: set[int] = set(members)
    for node in graph.order:
        if later.intersection(graph.predecessors[node]):
            later.add(node)
    roots = [node for node in members if not graph.predecessors[node]]
    timed = [*roots, *(node for node in graph.order if node in later and graph.predecessors[node])]
    near = {other for node in members for other in (*graph.predecessors[node], *graph.successors[node])}
    arrays = (
        members,
        roots,
        timed,
        [other for node in members for other in task.apart[node] if other not in members],
        sorted(near.difference(members)),
    )
    return Group(*(np.array(nodes, np.intp) for nodes in arrays))
