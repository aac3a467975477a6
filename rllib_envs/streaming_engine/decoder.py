"""Mappings built node by node under a mask, many at once: a decoder in lockstep.

Nodes are placed in the graph's topological order, the same in every episode, so each step is a few operations on
arrays [candidates, batch]. When a node's turn comes, all its operands have known times, and a tile therefore implies
the spoke: a node has one candidate a tile. Only a root chooses among all slices.

The mask lets no rule be broken, so what is built is legal at every step. It may still run into a dead end, where the
node at hand has no candidate left; with `look_ahead`, choices after which this is bound to happen are masked too.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AbcMapping
from copy import deepcopy
from functools import reduce
from typing import NamedTuple

import numpy as np

from rllib_envs.errors import IllegalAction
from rllib_envs.streaming_engine.look_ahead import LookAhead
from rllib_envs.streaming_engine.mapping import UNPLACED, BadMapping, Mapping
from rllib_envs.streaming_engine.task import Task

PIECE = 2048
"""Episodes decoded together: enough that calling numpy costs little, few enough for the cache."""


class Candidates(NamedTuple):
    """Where the node at hand could go in each episode."""

    node: int
    tiles: np.ndarray
    """int16 [candidates]"""
    spokes: np.ndarray
    """[candidates, batch]"""
    starts: np.ndarray
    """[candidates, batch]: the cycle in which the node would start."""
    legal: np.ndarray
    """bool [candidates, batch]"""


class Decoded(NamedTuple):
    """Finished episodes. One that ran into a dead end has its last nodes unplaced, and the rest of it is legal."""

    tiles: np.ndarray
    """int16 [nodes, batch]"""
    spokes: np.ndarray
    """int16 [nodes, batch]"""
    makespans: np.ndarray
    """int32 [batch]; -1 where the mapping is not complete."""

    @property
    def complete(self) -> np.ndarray:
        """bool [batch]"""
        return np.asarray(self.makespans >= 0)

    def mapping(self, episode: int) -> Mapping:
        return Mapping(tuple(self.tiles[:, episode].tolist()), tuple(self.spokes[:, episode].tolist()))

    def best(self) -> Mapping | None:
        """The mapping with the smallest makespan, None if all ended dead."""
        done = np.flatnonzero(self.complete)
        return self.mapping(int(done[self.makespans[done].argmin()])) if len(done) else None


class Decoder:
    """`batch` partial mappings of one task, all of which have the same nodes placed."""

    def __init__(self, task: Task, batch: int = 1, look_ahead: bool = False) -> None:
        nodes, tiles = len(task.graph), task.device.tiles
        self.task = task
        self.step = 0
        """Nodes placed so far; the next is `task.graph.order[step]`."""
        self.tiles = np.full((nodes, batch), UNPLACED, np.int16)
        self.starts = np.zeros((nodes, batch), task.time_type)
        self.taken = np.zeros((tiles, batch), _bits(task.device.spokes))
        """The spokes of each tile that have a node, as bits."""
        self.dead_at = np.full(batch, nodes)
        """The step at which each episode had no candidate left; the number of nodes while it goes on."""
        self._look_ahead = LookAhead(task, batch, self.taken.dtype) if look_ahead else None

    @classmethod
    def resume(cls, task: Task, mapping: Mapping, look_ahead: bool = False) -> Decoder:
        """One partial mapping that is legal, and in which the first nodes of the topological order are placed.

        BadMapping if others are placed or a node is not on the spoke in whose turn it starts; the rules about tiles
        are not looked at again.
        """
        mapping.check(task)
        decoder = cls(task, 1, look_ahead)
        for node in task.graph.order[: sum(tile != UNPLACED for tile in mapping.tiles)]:
            tiles = np.array([mapping.tiles[node]], np.int16)
            starts = np.array([mapping.spokes[node]], task.time_type)
            if mapping.placed(node) and task.graph.predecessors[node]:
                starts = decoder.arrivals(node, tiles[None, :])[0]
            if not mapping.placed(node) or starts[0] % task.device.spokes != mapping.spokes[node]:
                name = task.graph.nodes[node].name
                raise BadMapping(f"node {name!r} is unplaced before others that are not, or starts in another's turn")
            decoder._put(tiles, starts)
        return decoder

    def copy(self) -> Decoder:
        return deepcopy(self, {id(self.task): self.task})

    @property
    def batch(self) -> int:
        return self.tiles.shape[1]

    @property
    def alive(self) -> np.ndarray:
        """bool [batch]: which episodes have not run into a dead end."""
        return np.asarray(self.dead_at == len(self.task.graph))

    @property
    def finished(self) -> bool:
        return self.step == len(self.task.graph)

    @property
    def node(self) -> int:
        """The node at hand."""
        return self.task.graph.order[self.step]

    def candidates(self) -> Candidates:
        """Where the node at hand could go: one candidate a tile, or for a root one a slice, tile by tile."""
        task, node, turns = self.task, self.node, self.task.device.spokes
        tiles = np.arange(task.device.tiles, dtype=np.int16)
        bits = self.taken.dtype.type
        legal, taken = self._allowed(node, tiles), self.taken
        if task.graph.predecessors[node]:
            starts = self.arrivals(node, tiles[:, None])
            spokes = starts - starts // turns * turns
        else:
            every = np.tile(np.arange(turns, dtype=task.time_type), len(tiles))[:, None]
            starts = spokes = np.broadcast_to(every, (len(every), self.batch))
            tiles, legal, taken = tiles.repeat(turns), legal.repeat(turns, axis=0), taken.repeat(turns, axis=0)
        legal &= taken & (bits(1) << spokes.astype(bits)) == 0
        found = Candidates(node, tiles, spokes, starts, legal)
        return found if self._look_ahead is None else found._replace(legal=self._look_ahead.restrict(self, found))

    def arrivals(
        self, node: int, tiles: np.ndarray, known: AbcMapping[int, tuple[np.ndarray, np.ndarray]] | None = None
    ) -> np.ndarray:
        """The cycle in which a node would start on tiles [n or 1, 1 or batch].

        All that it waits for is placed, or `known` holds the tiles and starts to be assumed for it.
        """
        arrivals = []
        for source in self.task.graph.predecessors[node]:
            assumed = known.get(source) if known else None
            there, start = assumed or (self.tiles[source], self.starts[source])
            arrivals.append(start + self.task.device.distance(there, tiles, self.task.rules.pass_timing))
        return np.asarray(reduce(np.maximum, arrivals) + self.task.device.pipeline_depth, self.task.time_type)

    def place(self, candidates: Candidates, choice: np.ndarray) -> None:
        """Put the node at hand on the candidate `choice` [batch] of each episode, and go on to the next.

        IllegalAction where a masked one is chosen though another was possible. Where none is, the episode is dead.
        """
        lanes = np.arange(self.batch)
        illegal = ~candidates.legal[choice, lanes]
        if illegal.any():
            dead = ~candidates.legal.any(axis=0)
            wrong = np.flatnonzero(illegal & ~dead)
            if len(wrong):
                raise IllegalAction(f"candidate {choice[wrong[0]]} of node {candidates.node} is masked")
            self.dead_at[dead] = np.minimum(self.dead_at[dead], self.step)
        self._put(candidates.tiles[choice], candidates.starts[choice, lanes])

    def _put(self, tiles: np.ndarray, starts: np.ndarray) -> None:
        if self._look_ahead is not None:
            self._look_ahead.note(self, tiles, starts)
        bits = self.taken.dtype.type
        self.tiles[self.node], self.starts[self.node] = tiles, starts
        self.taken[tiles, np.arange(self.batch)] |= bits(1) << (starts % self.task.device.spokes).astype(bits)
        self.step += 1

    def _allowed(self, node: int, tiles: np.ndarray) -> np.ndarray:
        """bool [tiles, batch]: where the rules about whole tiles let the node go."""
        allowed = np.ones((len(tiles), self.batch), bool)
        placed = set(self.task.graph.order[: self.step])
        for other in placed.intersection(self.task.apart[node]):
            allowed &= tiles[:, None] != self.tiles[other]
        for other in placed.intersection(self.task.partners[node]):
            allowed &= tiles[:, None] == self.tiles[other]
        return allowed

    def result(self) -> Decoded:
        """The mappings as they are now."""
        task = self.task
        tiles = self.tiles.copy()
        spokes = (self.starts - self.starts // task.device.spokes * task.device.spokes).astype(np.int16)
        for step, node in enumerate(task.graph.order):
            unplaced = self.dead_at <= step if step < self.step else slice(None)
            tiles[node, unplaced] = spokes[node, unplaced] = UNPLACED
        last = self.starts[list(task.graph.sinks)].max(axis=0).astype(np.int32) + task.device.pipeline_depth
        complete = self.alive & self.finished
        return Decoded(tiles, spokes, np.where(complete, last, -1))


def legal_slices(task: Task, mapping: Mapping, look_ahead: bool = False) -> np.ndarray:
    """bool [tiles * spokes]: the slices that the next node of the topological order may have, tile by tile.

    The mapping is as for `Decoder.resume`.
    """
    decoder = Decoder.resume(task, mapping, look_ahead)
    legal = np.zeros(task.device.slices, bool)
    if not decoder.finished:
        found = decoder.candidates()
        legal[found.tiles.astype(np.intp) * task.device.spokes + found.spokes[:, 0]] = found.legal[:, 0]
    return legal


Chooser = Callable[[Decoder, Candidates], np.ndarray]
"""The index of one candidate for each episode: [batch]. `choosers` has some."""


def decode(task: Task, episodes: int, choose: Chooser, look_ahead: bool = False) -> Decoded:
    """Build that many mappings."""
    parts = []
    for begin in range(0, episodes, PIECE):
        decoder = Decoder(task, min(PIECE, episodes - begin), look_ahead)
        while not decoder.finished and decoder.alive.any():
            candidates = decoder.candidates()
            decoder.place(candidates, choose(decoder, candidates))
        parts.append(decoder.result())
    return Decoded(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))


def _bits(spokes: int) -> np.dtype[np.unsignedinteger]:
    """The smallest unsigned integers with a bit for each spoke."""
    return next(np.dtype(kind) for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= spokes)
