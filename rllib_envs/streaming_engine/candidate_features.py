"""What a policy sees of each candidate of a decision.

All is relative: to the best candidate, to the spokes (the period of a tile), to a bound. So neither the size of the
graph nor that of the device shows, and one policy serves all.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.step_traits import Successor

CANDIDATE_FEATURES = (
    "preference",  # minus the delay in cycles, its own and rivals', and collisions to fear; more for list scheduling's
    # choice: a logit
    "delay",  # start after the earliest legal one, in periods
    "earliest",  # whether list scheduling would choose it
    "urgency",  # by how much the longest way from here would exceed the bound so far, in periods
    "urgency_after",  # the same of the successor for which this is worst, given where its other operands are
    "delay_after",  # start of the successors after what another candidate allows, mean in periods
    "open_here",  # whether the slice on the same tile at the time of the result is free
    "occupied",  # share of the slices that are taken: of this tile, or of this spoke
    "hops_before",  # from the predecessors, mean
    "wait",  # between the first and the last operand's arrival, in periods
    "pull",  # hops to placed nodes with a common descendant, weighted mean
    "group_pull",  # hops to operands and relations of those that have to come to this tile later, weighted mean
    "rival_detour",  # hops from what the first rival wants to be near to, above those of the best tile left for it
    "rival_delay",  # how much later rivals could start at best if this tile were taken from them, in periods
    "sibling",  # nearness to the nearest placed sibling
    "open_near",  # share of the tiles around on which a successor would find its slice free
    "spare_near",  # how many more of these there are than successors
    "occupied_near",  # share of the slices around that are taken
    "spread",  # hops to all placed nodes, mean
    "crowding",  # nodes that must come to this tile later, each with the nodes that it may collide with
    "outlying",  # from the middle of the device (0) to its border (1)
    "column",  # from the middle of what is placed
    "row",
)
MOST = 4.0
"""Features without a natural limit are cut off here."""
LEAST_PREFERENCE = -8.0
"""Below it, differences don't matter: the preference is for one in some thousand."""
EARLIEST_PREFERENCE = 0.5
"""Among candidates with the same start, the one that list scheduling takes is preferred by so much."""
HOPS = 4.0
"""So many hops count as one."""

RIVAL_DELAY = 3.0
"""A cycle that a rival starts later counts as so many. Rivals have many operands, all of which move apart meanwhile;
list scheduling that counts so is 36 % above the best on gn graphs of 40 nodes, and 59 % otherwise."""
COLLISION = 0.5
"""Cycles that a pair counts of which one must come to this tile later and may find that the other has its slice. With
it, 11 % of noisy list schedules of layered graphs of 40 nodes end dead, and 22 % otherwise; more makes them longer."""

_COLUMN = {name: index for index, name in enumerate(CANDIDATE_FEATURES)}


class _Table:
    """The features being filled in, by name."""

    def __init__(self, scene: Scene) -> None:
        self.values = np.zeros((scene.batch, len(scene.when), len(CANDIDATE_FEATURES)), np.float32)

    def __setitem__(self, name: str, row: np.ndarray) -> None:
        """`row` [candidates, batch or 1]"""
        self.values[:, :, _COLUMN[name]] = row.T


def candidate_features(scene: Scene) -> np.ndarray:
    """float32 [batch, candidates, CANDIDATE_FEATURES]"""
    table = _Table(scene)
    _timing(scene, table)
    if scene.choosing_spoke:
        _spokes(scene, table)
    else:
        _operands(scene, table)
        _whereabouts(scene, table)
        _slices(scene, table)
    values = table.values
    np.minimum(values[:, :, 1:], MOST, out=values[:, :, 1:])
    np.maximum(values[:, :, 1:], -MOST, out=values[:, :, 1:])
    return values


def _timing(scene: Scene, table: _Table) -> None:
    """What concerns time: of tiles and of spokes."""
    period, tails = scene.task.device.spokes, scene.traits.tails
    delay, earliest = scene.when - scene.first, _list_scheduled(scene)
    preference = earliest * EARLIEST_PREFERENCE - delay
    if not scene.choosing_spoke:
        rival_delay, crowding = scene.rival_delays(), scene.crowding()
        preference = preference - RIVAL_DELAY * rival_delay - COLLISION * crowding
        table["rival_delay"] = rival_delay / period
        table["crowding"] = crowding / period
    table["preference"] = np.maximum(preference, LEAST_PREFERENCE)
    table["delay"] = delay / period
    table["earliest"] = earliest
    urgency = (scene.when + (tails[scene.at.node] - scene.horizon)) / period
    table["urgency"] = urgency
    after = scene.at.successors
    if not after:
        table["urgency_after"] = urgency
        return
    starts = [_start_after(scene, successor) for successor in after]
    ends = reduce(np.maximum, (start + tails[one.node] for start, one in zip(starts, after, strict=True)))
    table["urgency_after"] = (ends - scene.horizon) / period
    late = reduce(np.add, starts)
    least = np.where(scene.legal, late, late.max(axis=0)).min(axis=0)
    table["delay_after"] = (late - least) / (period * len(after))


def _list_scheduled(scene: Scene) -> np.ndarray:
    """bool [candidates, batch]: the one that starts earliest, of equals that nearest to the middle of the device."""
    count = len(scene.when)
    rank = np.arange(count) if scene.choosing_spoke else scene.traits.centrality
    order = np.where(scene.legal, scene.when * count + rank[:, None], np.iinfo(np.int64).max)
    return np.asarray((order == order.min(axis=0)) & scene.legal)


def _start_after(scene: Scene, successor: Successor) -> np.ndarray:
    """int [candidates, batch]: the earliest start of a successor, given the operands that are placed already.

    Where it may go to any tile, it is best off on one between two operands, where both arrive at once.
    """
    start: np.ndarray = scene.ready
    hops, depth = scene.traits.hops, scene.task.device.pipeline_depth
    if successor.member is not None and not scene.choosing_spoke:
        tile = scene.tiles[successor.member]
        start = start + hops[:, tile]
        for other in successor.operands:
            start = np.maximum(start, scene.starts[other] + depth + hops[scene.tiles[other], tile])
        return start
    for other in successor.operands:
        operand = scene.starts[other] + depth
        if scene.choosing_spoke:
            start = np.maximum(start, operand)
        elif successor.together:
            start = np.maximum(start, operand + hops[:, scene.tiles[other]])
        else:
            meeting = (scene.ready + operand + hops[:, scene.tiles[other]] + 1) // 2
            start = np.maximum(start, np.maximum(operand, meeting))
    return start


def _spokes(scene: Scene, table: _Table) -> None:
    turns = np.arange(scene.task.device.spokes, dtype=np.uint64)
    taken = (scene.taken >> turns[:, None, None] & np.uint64(1)).mean(axis=1)
    table["occupied"] = taken
    table["open_here"] = 1 - np.roll(taken, -scene.task.device.pipeline_depth, axis=0)


def _operands(scene: Scene, table: _Table) -> None:
    """How far a tile is from where the operands come from, and from siblings."""
    hops, before, siblings = scene.traits.hops, scene.at.predecessors, scene.at.siblings
    if before:
        away = hops[:, scene.tiles[before]]  # [tiles, predecessors, batch]
        table["hops_before"] = away.sum(axis=1) / (HOPS * len(before))
        if len(before) > 1:
            arrivals = away + scene.starts[before]
            table["wait"] = (arrivals.max(axis=1) - arrivals.min(axis=1)) / scene.task.device.spokes
    if siblings:
        table["sibling"] = 1 - np.minimum(hops[:, scene.tiles[siblings]].min(axis=1), HOPS) / HOPS


def _whereabouts(scene: Scene, table: _Table) -> None:
    """Where a tile lies on the device, and to all that is placed."""
    traits, placed = scene.traits, scene.at.placed
    table["outlying"] = traits.outlying[:, None]
    middle = traits.middle
    if placed:
        tiles = scene.tiles[placed]
        away = traits.hops_as_reals[tiles].reshape(len(placed), -1)
        spread, pull, group_pull, rival_hops = (scene.at.related @ away).reshape(4, scene.batch, -1)
        table["spread"] = spread.T / HOPS
        table["pull"] = pull.T / HOPS
        table["group_pull"] = group_pull.T / HOPS
        for rival in scene.at.rivals[:1]:
            table["rival_detour"] = _detour(rival_hops, scene.tiles[rival.apart]).T / HOPS
        middle = traits.places[:, tiles].sum(axis=1) / len(placed)
    away = (traits.places[:, :, None] - middle[:, None]) / HOPS
    table["column"], table["row"] = away


def _detour(hops: np.ndarray, barred: np.ndarray) -> np.ndarray:
    """float [batch, tiles]: `hops` above those of the best tile that is not among `barred`, [any, batch]."""
    allowed = hops.copy()
    allowed[np.arange(len(hops)), barred] = np.inf
    least = allowed.min(axis=1, keepdims=True)
    detour: np.ndarray = hops - np.where(np.isinf(least), 0, least)
    return detour


def _slices(scene: Scene, table: _Table) -> None:
    """Which slices are free on a tile and around it."""
    spokes, near, away = scene.task.device.spokes, scene.traits.near, scene.traits.near_hops
    taken = scene.taken[near]  # [tiles, around, batch]
    occupied = np.bitwise_count(taken)
    table["occupied"] = occupied[:, 0] / spokes
    table["occupied_near"] = occupied.sum(axis=1) / (spokes * near.shape[1])
    turns = (scene.ready[:, None] + away) % spokes
    free = taken >> turns.astype(np.uint64) & np.uint64(1) < scene.traits.is_near
    table["open_here"] = free[:, 0]
    count = free.sum(axis=1)
    table["open_near"] = count / near.shape[1]
    table["spare_near"] = (count - len(scene.at.successors)) / HOPS
