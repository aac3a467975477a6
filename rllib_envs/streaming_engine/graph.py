"""A compute graph: instructions, which of them need whose result, and which share a variable in tile memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from rllib_envs.errors import UserError

MAX_NODES = 512
"""Ten times the largest graph of the paper; evaluators keep arrays of nodes by nodes."""
MAX_EDGES = 8192
MAX_MEMORIES = 4096
"""Tile-memory variables of all nodes together, counted at each use."""
MAX_NAME = 200
"""Characters in the name of a node or a variable: they go into pictures and mapping files."""

Pairs = tuple[tuple[int, int], ...]


class BadGraph(UserError):
    """The graph can't be used. Its subclasses name what is wrong."""


class CyclicGraph(BadGraph):
    """A node waits for its own result."""


class DanglingSuccessor(BadGraph):
    """An edge leads to a node that there is none of."""


class DuplicateName(BadGraph):
    """Two nodes have one name."""


class GraphTooLarge(BadGraph):
    """More nodes, edges, bytes or nesting than the limits allow."""


@dataclass(frozen=True)
class Node:
    """One instruction."""

    name: str
    operation: str = ""
    """What it computes, for people."""
    flow: int = 0
    """Index of its synchronous data flow."""
    memories: tuple[str, ...] = ()
    """Tile-memory variables that it uses; sorted, each once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "memories", tuple(sorted(set(self.memories))))
        for name in (self.name, *self.memories):
            if not name.isprintable() or not 0 < len(name) <= MAX_NAME:
                raise BadGraph(f"the name {name[:40]!r} must have 1 to {MAX_NAME} characters, all of them printable")


@dataclass(frozen=True)
class ComputeGraph:
    """A directed acyclic graph of instructions. Immutable; graphs are compared and hashed by content."""

    nodes: tuple[Node, ...]
    edges: Pairs
    """(predecessor, successor) by index into `nodes`; sorted, each once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(sorted(set(self.edges))))
        self._check_sizes()
        names = Counter(node.name for node in self.nodes)
        twice = next((name for name, count in names.items() if count > 1), None)
        if twice is not None:
            raise DuplicateName(f"two nodes are named {twice!r}; give each its own name")
        for source, target in self.edges:
            for end in (source, target):
                if not 0 <= end < len(self.nodes):
                    raise DanglingSuccessor(
                        f"edge {source} -> {target} leads to node {end}, but nodes go from 0 to {len(self.nodes) - 1}"
                    )
            if source == target:
                raise CyclicGraph(f"node {self.nodes[source].name!r} is its own successor; take that edge out")
        if len(self.order) < len(self.nodes):
            stuck = [self.nodes[node].name for node in sorted(set(range(len(self.nodes))) - set(self.order))]
            raise CyclicGraph(f"the graph has a cycle; these nodes wait for one another: {', '.join(stuck[:6])}")

    def _check_sizes(self) -> None:
        if not self.nodes:
            raise BadGraph("the graph has no node; give it at least one")
        if len(self.nodes) > MAX_NODES:
            raise GraphTooLarge(f"the graph has {len(self.nodes)} nodes; at most {MAX_NODES} are possible")
        if len(self.edges) > MAX_EDGES:
            raise GraphTooLarge(f"the graph has {len(self.edges)} edges; at most {MAX_EDGES} are possible")
        uses = sum(len(node.memories) for node in self.nodes)
        if uses > MAX_MEMORIES:
            raise GraphTooLarge(f"nodes use tile memory {uses} times; at most {MAX_MEMORIES} uses are possible")

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def _hash(self) -> int:
        return hash((self.nodes, self.edges))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[ComputeGraph], tuple[tuple[Node, ...], Pairs]]:
        """Without what is cached: the hash of a text differs from process to process."""
        return ComputeGraph, (self.nodes, self.edges)

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        return self._neighbours((target, source) for source, target in self.edges)

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        return self._neighbours(self.edges)

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Nodes without predecessor."""
        return tuple(node for node, before in enumerate(self.predecessors) if not before)

    @cached_property
    def sinks(self) -> tuple[int, ...]:
        """Nodes without successor."""
        return tuple(node for node, after in enumerate(self.successors) if not after)

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """Edges on the longest path from each node to a sink."""
        heights = [0] * len(self.nodes)
        for node in self._peeled(self.successors, self.predecessors):
            heights[node] = max((heights[after] + 1 for after in self.successors[node]), default=0)
        return tuple(heights)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """A topological order in which the node with the longest way to a sink goes first, as in list scheduling."""
        heights = self.heights
        waiting = [len(before) for before in self.predecessors]
        ready = [(-heights[node], node) for node in self.roots]
        heapq.heapify(ready)
        order = []
        while ready:
            _, node = heapq.heappop(ready)
            order.append(node)
            for after in self.successors[node]:
                waiting[after] -= 1
                if not waiting[after]:
                    heapq.heappush(ready, (-heights[after], after))
        return tuple(order)

    @cached_property
    def siblings(self) -> tuple[tuple[int, ...], ...]:
        """For each node the other successors of its predecessors."""
        return self._neighbours(
            pair for after in self.successors for one, other in combinations(after, 2) for pair in _both(one, other)
        )

    @cached_property
    def memory_users(self) -> dict[str, tuple[int, ...]]:
        """The nodes that use each tile-memory variable."""
        users: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            for name in node.memories:
                users.setdefault(name, []).append(index)
        return {name: tuple(nodes) for name, nodes in users.items()}

    @cached_property
    def memory_groups(self) -> tuple[tuple[int, ...], ...]:
        """Nodes that tile memory keeps on one tile, directly or through others; groups of at least two."""
        leader = list(range(len(self.nodes)))
        for users in self.memory_users.values():
            joined = {leader[node] for node in users}
            leader = [min(joined) if one in joined else one for one in leader]
        groups: dict[int, list[int]] = {}
        for node, one in enumerate(leader):
            groups.setdefault(one, []).append(node)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)

    def _neighbours(self, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
        found: list[set[int]] = [set() for _ in self.nodes]
        for node, other in pairs:
            found[node].add(other)
        return tuple(tuple(sorted(others)) for others in found)

    def _peeled(self, after: tuple[tuple[int, ...], ...], before: tuple[tuple[int, ...], ...]) -> list[int]:
        """Nodes none of whose `after` is left, one after the other; those on a cycle are missing."""
        waiting = [len(others) for others in after]
        peeled = [node for node, count in enumerate(waiting) if not count]
        for node in peeled:
            for other in before[node]:
                waiting[other] -= 1
                if not waiting[other]:
                    peeled.append(other)
        return peeled


def _both(one: int, other: int) -> Pairs:
    return (one, other), (other, one)
