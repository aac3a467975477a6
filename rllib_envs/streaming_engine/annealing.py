"""Simulated annealing over the tiles of nodes and the spokes of roots, many chains in lockstep.

A move puts one tile-memory group of nodes on another tile or one root on another spoke. All chains move the same group
in a step, each to a place of its own, so that a step is a few operations on arrays [nodes, chains], and only what
follows from the moved nodes is timed again. Groups stay together and spokes follow from starts, so that the rules
about tile memory and timing always hold. The others are kept by a penalty for every node too much on a slice and every
pair that should be apart: chains may pass through what is not valid, and find what is valid when they begin without.

The temperature falls geometrically with the share of the budget that is used, and the search ends with it. A limit on
mappings, where there is one, counts instead of the time, so that a slower machine does the same. On the way
chains are drawn anew, good ones more often: population annealing, Hukushima and Iba, AIP Conf. Proc. 690 (2003) 200.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.chains import Chains
from rllib_envs.streaming_engine.choosers import earliest, sampled
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.list_scheduling import TEMPERATURES, round_size
from rllib_envs.streaming_engine.mapping import UNPLACED, Mapping
from rllib_envs.streaming_engine.solved import Progress, Solved
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task

CHAINS = 512
"""After two seconds with 40 nodes on 64 tiles they are 1.4 % above the best known, half as many 1.9 %, twice 2.1 %."""
HOT, COLD = 1.0, 0.2
"""Temperatures at the beginning and at the end, in cycles."""
RESAMPLINGS = 40
"""Times at which chains are drawn anew."""
ALIKE = 16
"""Chains that begin with one mapping at most: they need long to become different, and better ones are drawn more often
anyway."""
BEGINNING = 0.1
"""Share of the time after which no more mappings are built to begin with, if only time is limited."""


def solve(
    task: Task,
    seconds: float,
    rng: np.random.Generator,
    *,
    start: Mapping | None = None,
    others: Sequence[Mapping] = (),
    mappings: int | None = None,
) -> Solved:
    """The best mapping that the chains meet; never worse than `start`.

    Chains begin with the mappings that are given, if these are many; otherwise most begin with noisy list scheduling.

    Args:
        start: a valid mapping; BadMapping if it isn't.
        others: more of them.
        mappings: the most to be tried. If they end before the time does, the same seed gives the same answer.
    """
    progress = Progress(task, seconds, mappings)
    conflicts = conflicts_seen(task)
    if conflicts:
        return progress.answer(0, infeasible=True, conflicts=conflicts)
    given = [one for one in (start, *others) if one is not None]
    for one in given:
        progress.begin(one)
    lowest = bounds(task).makespan
    chains = Chains(task, *_beginnings(progress, given, rng))
    drawn = 0.0
    _note(progress, chains)
    while progress.share < 1 and progress.makespan != lowest:
        share = progress.share if progress.counted is None else progress.counted
        chains.step(HOT * (COLD / HOT) ** share, rng)
        progress.evaluations += chains.count
        _note(progress, chains)
        if share - drawn >= 1 / RESAMPLINGS:
            colder = (HOT / COLD) ** share / HOT - (HOT / COLD) ** drawn / HOT
            chains.draw(_survivors(chains.score.energies, colder, rng))
            drawn = share
    return progress.answer(lowest)


def _note(progress: Progress, chains: Chains) -> None:
    """Keep the best of the valid mappings."""
    makespans = np.where(chains.score.broken == 0, chains.score.makespans, np.iinfo(np.int32).max)
    best = int(makespans.argmin())
    if chains.score.broken[best] == 0 and progress.improves(int(makespans[best])):
        progress.offer(chains.mapping(best), int(makespans[best]))


def _survivors(energies: np.ndarray, colder: float, rng: np.random.Generator) -> np.ndarray:
    """The chains to go on with when the inverse temperature has risen so much, by systematic resampling."""
    weights = np.exp((energies.min() - energies) * np.float64(colder))
    marks = (np.arange(len(weights)) + rng.random()) / len(weights)
    chosen = np.searchsorted(np.cumsum(weights) / weights.sum(), marks)
    return np.minimum(chosen, len(weights) - 1)


def _beginnings(
    progress: Progress, given: Sequence[Mapping], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Complete tiles and spokes [nodes, CHAINS], groups together; where decoding is stuck, the rest is random."""
    task = progress.task
    if len(given) * ALIKE >= CHAINS:
        each = np.arange(CHAINS) % len(given)
        return np.array([one.tiles for one in given]).T[:, each], np.array([one.spokes for one in given]).T[:, each]
    parts = []
    for temperature in TEMPERATURES:
        count = min(round_size(task), CHAINS // len(TEMPERATURES))
        parts.append(decode(task, count, sampled(earliest, temperature, rng), look_ahead=True))
        if progress.counted is None and progress.share > BEGINNING:
            break
    found = np.arange(CHAINS) % sum(len(part.makespans) for part in parts)
    tiles = np.concatenate([part.tiles for part in parts], axis=1)[:, found]
    spokes = np.concatenate([part.spokes for part in parts], axis=1)[:, found]
    for group in map(list, task.groups):
        known = tiles[group].max(axis=0)
        tiles[group] = np.where(known == UNPLACED, rng.integers(task.device.tiles, size=CHAINS), known)
    spokes = np.where(spokes == UNPLACED, rng.integers(task.device.spokes, size=spokes.shape), spokes)
    for lane, mapping in zip(range(0, CHAINS, 2), list(given) * ALIKE, strict=False):
        tiles[:, lane], spokes[:, lane] = mapping.tiles, mapping.spokes
    return tiles, spokes
