"""A search as a graph: the states it visited, with their values and in their order, and the actions between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from eval.trial import Node, Trial
from rllib_envs.problem import Evaluation

NODES_SHOWN = 200
"""The states found first, and besides them those on the way to the best. More can't be told apart in a picture, and a
report holds one for each search."""
NODES_REMEMBERED = 100_000
"""States of which the value is kept until the end, when it is known which way was the best: some 50 MB."""


class GraphNode(NamedTuple):
    """A state."""

    depth: int
    """Actions from the untuned state: on the way to the best, or else on that by which it was first found."""
    order: int | None
    """Its place among the states in the order of their evaluation, the untuned one being 1; None if it was not."""
    value: float | None
    """None where it was not evaluated, or does not count."""
    on_best_path: bool = False


class GraphEdge(NamedTuple):
    """An action that was tried."""

    source: int
    """Index into `SearchGraph.nodes`."""
    target: int
    action: str
    on_best_path: bool = False


class SearchGraph(NamedTuple):
    """What is drawn of a search. Every node can be reached from the first one, the untuned state."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    unit: str
    higher_is_better: bool
    visited: int
    """States that the search visited, shown or not."""


class RecordedTrial(Trial):
    """A trial that remembers where a search went. One that is not recorded is a plain `Trial` and pays nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._found: dict[Any, Evaluation | None] = {self.root.state: self.start}
        self._depths: dict[Any, int] = {self.root.state: 0}
        self._order: dict[Any, int] = {self.root.state: 1}
        self._steps: dict[tuple[Any, int], Any] = {}
        """The first steps: from a state by an action to a state."""

    def evaluate(self, node: Node) -> Evaluation:
        evaluation = super().evaluate(node)
        if node.state in self._found:
            self._found[node.state] = evaluation
            self._order.setdefault(node.state, len(self._order) + 1)
        return evaluation

    def step(self, node: Node, action: int) -> Node:
        child = super().step(node, action)
        if child.state not in self._found and len(self._found) < NODES_REMEMBERED:
            self._found[child.state] = None
            self._depths[child.state] = len(child.actions)
        if len(self._found) <= NODES_SHOWN:
            self._steps[node.state, action] = child.state
        return child

    def graph(self) -> SearchGraph:
        """The search so far."""
        way, path = self._best_path()
        index = {state: place for place, state in enumerate(dict.fromkeys([*islice(self._found, NODES_SHOWN), *way]))}
        edges = (
            GraphEdge(index[source], index[target], self.problem.actions[action], (source, action) in path)
            for (source, action), target in {**self._steps, **path}.items()
            if source in index and target in index
        )
        return SearchGraph(
            nodes=tuple(self._node(state, way) for state in index),
            edges=tuple(edges),
            unit=self.start.unit,
            higher_is_better=self.start.higher_is_better,
            visited=len(self._found),
        )

    def _node(self, state: Any, way: Mapping[Any, int]) -> GraphNode:
        evaluation = self._found.get(state)
        value = evaluation.value if evaluation is not None and evaluation.verified else None
        depth = way[state] if state in way else self._depths[state]
        return GraphNode(depth, self._order.get(state), value, state in way)

    def _best_path(self) -> tuple[dict[Any, int], dict[tuple[Any, int], Any]]:
        """The states on the way to the best with their place on it, and the steps between them."""
        state = self.root.state
        way, path = {state: 0}, {}
        for place, action in enumerate(self.best.actions, 1):
            path[state, action] = state = self.problem.apply(state, action)
            way.setdefault(state, place)
        return way, path
