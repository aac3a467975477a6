"""What a policy sees of the graph around the node at hand: the nodes that come next, and those placed last.

The last features of a node are its links, as `ObservationSpec` has them: the rows of predecessors, and the row of the
tile that it is on. They give a network the graph's edges, and where on the device its nodes are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rllib_envs.streaming_engine.candidate_features import HOPS, MOST
from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.step_traits import STEPS_KEPT, step_traits
from rllib_envs.streaming_engine.task import Task

NODES_SHOWN = 32
"""Nodes of the graph that are shown at once; the node at hand is the first. Attention takes time with their square."""
PREDECESSORS_LINKED = 3
LINKS = PREDECESSORS_LINKED + 1

NODE_FEATURES = (
    "at_hand",
    "placed",
    "root",
    "height",  # of the graph's
    "tail",  # of the bound
    "predecessors",
    "operands_placed",  # share of the predecessors
    "successors",
    "group",  # nodes that tile memory keeps together with it
    "located",  # whether its tile is known, from itself, its group or what it waits for
    "follows",  # whether it needs the result of the node at hand
    "sibling",  # of the node at hand
    "affinity",  # with the node at hand
    "start",  # earliest, after that of the node at hand, in periods
    "urgency",  # by how much the way through it would exceed the bound so far, in periods
    "column",  # from the middle of what is placed
    "row",
)
FEW = 4.0
"""So many nodes count as one."""


class Window(NamedTuple):
    """What is the same in all mappings after so many steps."""

    nodes: tuple[int, ...]
    fixed: np.ndarray
    """float32 [nodes, all features but the last four]"""
    after: np.ndarray
    """int32 [placed, nodes, 1]: the fewest cycles from the start of one to that of the other."""
    located_by: np.ndarray
    """float32 [nodes, placed]: weights of the placed nodes that say where each lies."""
    predecessors: np.ndarray
    """int [nodes, PREDECESSORS_LINKED]: places of predecessors in the window; -1 for none."""
    tile_of: np.ndarray
    """int [nodes]: a placed node on whose tile each is; -1 for none."""


def node_features(scene: Scene) -> np.ndarray:
    """float32 [batch, nodes, NODE_FEATURES]; at most NODES_SHOWN nodes."""
    window, spokes = window_of(scene.task, scene.at.step), scene.task.device.spokes
    placed, traits = scene.at.placed, scene.traits
    features = np.empty((scene.batch, len(window.nodes), len(NODE_FEATURES)), np.float32)
    features[:, :, :-4] = window.fixed
    start = np.zeros((len(window.nodes), scene.batch), np.int64)
    features[:, :, -2:] = 0
    if placed:
        start = np.maximum((scene.starts[placed][:, None] + window.after).max(axis=0), 0)
        places = traits.places[:, scene.tiles[placed]]  # [2, placed, batch]
        middle = places.sum(axis=1, keepdims=True) / len(placed)
        features[:, :, -2:] = ((window.located_by @ (places - middle)) / HOPS).T
    features[:, :, -4] = ((start - scene.first) / spokes).T
    tails = traits.tails[list(window.nodes), None]
    features[:, :, -3] = ((start + tails - scene.horizon) / spokes).T
    np.minimum(features, MOST, out=features)
    return np.maximum(features, -MOST, out=features)


def node_links(scene: Scene, first_row: int) -> np.ndarray:
    """int [batch, nodes, LINKS]: rows that nodes are linked to, their own from `first_row` on; -1 for none."""
    window = window_of(scene.task, scene.at.step)
    links = np.full((scene.batch, len(window.nodes), LINKS), -1)
    links[:, :, :-1] = np.where(window.predecessors >= 0, window.predecessors + first_row, -1)
    if not scene.choosing_spoke:
        links[:, :, -1] = np.where(window.tile_of[:, None] >= 0, scene.tiles[window.tile_of], -1).T
    return links


@lru_cache(maxsize=STEPS_KEPT)
def window_of(task: Task, step: int) -> Window:
    order, graph = task.graph.order, task.graph
    ahead = order[step : step + NODES_SHOWN - min(step, NODES_SHOWN // 2)]
    nodes = (*ahead, *order[:step][::-1][: NODES_SHOWN - len(ahead)])
    row = {node: place for place, node in enumerate(nodes)}
    at = step_traits(task, step)
    column = {node: place for place, node in enumerate(at.placed)}
    located_by = np.zeros((len(nodes), step), np.float32)
    tile_of = np.full(len(nodes), -1)
    predecessors = np.full((len(nodes), PREDECESSORS_LINKED), -1)
    for place, node in enumerate(nodes):
        members = [node] if node in column else at.placed_of(task.groups[task.group_of[node]])[:1]
        tile_of[place] = members[0] if members else -1
        anchors = members or at.placed_of(graph.predecessors[node])
        located_by[place, [column[anchor] for anchor in anchors]] = 1 / max(1, len(anchors))
        linked = [row[source] for source in graph.predecessors[node] if source in row][-PREDECESSORS_LINKED:]
        predecessors[place, : len(linked)] = linked
    located = located_by.sum(axis=1) > 0
    fixed = [_fixed(task, step, node, bool(located[place])) for place, node in enumerate(nodes)]
    after = at.traits.after[at.placed][:, list(nodes), None]
    return Window(nodes, np.array(fixed, np.float32), after, located_by, predecessors, tile_of)


def _fixed(task: Task, step: int, node: int, located: bool) -> tuple[float, ...]:
    graph, at = task.graph, step_traits(task, step)
    before = graph.predecessors[node]
    return (
        node == at.node,
        node in at.placed,
        not before,
        graph.heights[node] / max(1, *graph.heights),
        at.traits.tails[node] / at.traits.bound,
        len(before) / FEW,
        len(at.placed_of(before)) / max(1, len(before)),
        len(graph.successors[node]) / FEW,
        (len(task.groups[task.group_of[node]]) - 1) / FEW,
        located,
        at.node in before,
        node in graph.siblings[at.node],
        at.traits.affinity[at.node, node],
    )
