"""What a policy sees of a decision as a whole: the device, the graph, how far the mapping is, the node at hand."""

from __future__ import annotations

from functools import lru_cache
from math import log2

import numpy as np

from rllib_envs.streaming_engine.device import MAX_SPOKES, MAX_TILES
from rllib_envs.streaming_engine.graph import MAX_NODES
from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.step_traits import STEPS_KEPT, step_traits
from rllib_envs.streaming_engine.task import Task

GLOBAL_FEATURES = (
    "tiles",
    "grid",
    "spokes",
    "depth",  # of the pipeline, in periods
    "nodes",
    "fill",  # nodes for each slice
    "tile_memory",
    "sync_flow",
    "sibling",
    "pass_timing",
    "share_placed",
    "choosing_spoke",
    "root",
    "height",  # of the node at hand, of the graph's
    "tail",  # of the node at hand, of the bound
    "predecessors",
    "successors",
    "siblings_left",  # to be placed
    "group",  # nodes that tile memory keeps together with it
    "group_placed",  # whether one of them has a tile
    "group_operands",  # of those of its group that come later
    "group_tail",  # the longest of theirs, of the bound
    "rival_operands",  # of the first rival, which most wants a tile that the node at hand may not share
    "rivals",
    "rival_urgency",  # by how much its way exceeds the bound so far on the tile that is best for it, in periods
    "rival_outlook",  # how much later it will start if all that come before it take the tiles that it wants, in periods
    "related_placed",  # nodes with a common descendant
    "legal_share",  # of the candidates
    "stretch",  # of the bound so far over that of the empty mapping
    "urgency",  # by how much even the earliest candidate exceeds the bound so far, in periods
)
URGENCY, OUTLOOK = GLOBAL_FEATURES.index("rival_urgency"), GLOBAL_FEATURES.index("rival_outlook")
MOST = 4.0
FEW = 4.0
"""So many nodes count as one."""


def global_features(scene: Scene) -> np.ndarray:
    """float32 [batch, GLOBAL_FEATURES]"""
    features = np.empty((scene.batch, len(GLOBAL_FEATURES)), np.float32)
    same = _same_for_all(scene.task, scene.at.step, scene.choosing_spoke)
    features[:, : len(same)] = same
    if scene.at.rivals and not scene.choosing_spoke:
        rival, choices = scene.at.rivals[0], np.sort(scene.rival_starts[0], axis=0)
        best, left = choices[0], choices[min(rival.waits, len(choices) - 1)]
        features[:, URGENCY] = (best + scene.traits.tails[rival.node] - scene.horizon) / scene.task.device.spokes
        features[:, OUTLOOK] = (left - best) / scene.task.device.spokes
    features[:, -3] = scene.legal.sum(axis=0) / len(scene.legal)
    features[:, -2] = scene.horizon / scene.traits.bound - 1
    features[:, -1] = (scene.first + (scene.traits.tails[scene.at.node] - scene.horizon)) / scene.task.device.spokes
    np.minimum(features, MOST, out=features)
    return np.maximum(features, -MOST, out=features)


@lru_cache(maxsize=2 * STEPS_KEPT)
def _same_for_all(task: Task, step: int, choosing_spoke: bool) -> np.ndarray:
    """The features that don't depend on where anything lies."""
    graph, device, rules, at = task.graph, task.device, task.rules, step_traits(task, step)
    features = (
        log2(device.tiles) / log2(MAX_TILES),
        device.rows > 1 and device.columns > 1,
        log2(device.spokes) / log2(MAX_SPOKES),
        device.pipeline_depth / device.spokes,
        log2(len(graph)) / log2(MAX_NODES),
        len(graph) / device.slices,
        rules.tile_memory,
        rules.sync_flow,
        rules.sibling,
        rules.pass_timing,
        step / len(graph),
        choosing_spoke,
        not at.predecessors,
        graph.heights[at.node] / max(1, *graph.heights),
        at.traits.tails[at.node] / at.traits.bound,
        len(at.predecessors) / FEW,
        len(at.successors) / FEW,
        (len(graph.siblings[at.node]) - len(at.siblings)) / FEW,
        (len(at.group) - 1) / FEW,
        at.group_placed,
        sum(len(graph.predecessors[node]) for node in at.later) / FEW,
        max((at.traits.tails[node] for node in at.later), default=0) / at.traits.bound,
        sum(len(graph.predecessors[rival.node]) for rival in at.rivals[:1]) / FEW,
        len(at.rivals) / FEW,
        0,
        0,
        float(at.traits.affinity[at.node, at.placed].sum()) / FEW,
    )
    return np.array(features, np.float32)
