"""The state of a mapping under construction, as a value."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.completion import Completion, complete
from rllib_envs.streaming_engine.partial import PartialMapping
from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.task import Task

TASKS_KEPT = 4096
"""Tasks whose graphs stay read; some ten kB each."""


class Placement(NamedTuple):
    """The slices of the first nodes of the graph's topological order, and for a root that comes next its spoke."""

    task: Task
    tiles: tuple[int, ...] = ()
    spokes: tuple[int, ...] = ()
    turn: int | None = None
    """The spoke of the node at hand, when it is a root for which that is settled."""

    @property
    def finished(self) -> bool:
        return len(self.tiles) == len(self.task.graph)

    @property
    def choosing_spoke(self) -> bool:
        """Whether the next decision is a spoke, of a root, rather than a tile."""
        if self.finished or self.turn is not None:
            return False
        return not self.task.graph.predecessors[self.task.graph.order[len(self.tiles)]]


@lru_cache(maxsize=TASKS_KEPT)
def task_of(benchmark: Benchmark) -> Task:
    """The benchmark's task, read once, so that what is worked out about it stays known too."""
    return Task.from_benchmark(benchmark)


class Prospect:
    """What is known about a placement: the mapping so far, and the candidates of the next decision."""

    def __init__(self, placement: Placement, partial: PartialMapping) -> None:
        self.placement, self.partial = placement, partial
        self.when: list[int] = []
        """For each candidate the cycle in which the node at hand would start."""
        self.legal: list[bool] = []
        self._completion: Completion | None = None
        if partial.finished:
            return
        if placement.choosing_spoke:
            self.when = list(range(placement.task.device.spokes))
            self.legal = partial.legal_spokes()
        else:
            tiles = placement.task.device.tiles
            self.when = partial.arrivals() if placement.turn is None else [placement.turn] * tiles
            self.legal = partial.legal_tiles(self.when)

    @classmethod
    def start(cls, placement: Placement, look_ahead: bool) -> Prospect:
        """By placing one node after the other."""
        task = placement.task
        partial = PartialMapping(task, look_ahead)
        for tile, spoke in zip(placement.tiles, placement.spokes, strict=True):
            partial.place(tile, spoke if partial.at_root else partial.arrivals()[tile])
        return cls(placement, partial)

    @property
    def completion(self) -> Completion:
        """What list scheduling makes of it."""
        if self._completion is None:
            self._completion = complete(self.partial, self.placement.turn)
        return self._completion

    def after(self, candidate: int) -> Prospect:
        """What follows from a legal candidate."""
        placement, start = self.placement, self.when[candidate]
        if placement.choosing_spoke:
            following = Prospect(placement._replace(turn=candidate), self.partial)
        else:
            partial = self.partial.copy()
            partial.place(candidate, start)
            tiles = (*placement.tiles, candidate)
            spokes = (*placement.spokes, start % placement.task.device.spokes)
            following = Prospect(Placement(placement.task, tiles, spokes), partial)
        if self._goes_this_way(candidate):
            following._completion = self._completion
        return following

    def _goes_this_way(self, candidate: int) -> bool:
        """Whether list scheduling is known to choose this candidate itself, so that it will end where it ended."""
        known, node = self._completion, self.partial.node
        if known is None or not known.plain or known.partial.starts[node] != self.when[candidate]:
            return False
        return self.placement.choosing_spoke or known.partial.tiles[node] == candidate

    def scene(self) -> Scene:
        """The decision as a policy is shown it; not for a finished mapping."""
        partial = self.partial
        return Scene(
            self.placement.task,
            partial.step,
            np.array(partial.tiles)[:, None],
            np.array(partial.starts)[:, None],
            np.array(partial.taken, np.uint64)[:, None],
            np.array(self.when)[:, None],
            np.array(self.legal)[:, None],
            self.placement.choosing_spoke,
        )
