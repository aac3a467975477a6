"""Many episodes of one task at once: what a policy is shown of all of them in one batch, step by step.

It is much faster than as many episodes one after the other, and is what sampling the best of many takes. Where it is
asked for, list scheduling completes every mapping on the way, as it does for the problem's states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rllib_envs.policy_input import policy_input_batch
from rllib_envs.problem import Choose
from rllib_envs.streaming_engine.decoder import Candidates, Decoded, Decoder, decode
from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.task import Task
from rllib_envs.streaming_engine.traits import make_traits

if TYPE_CHECKING:
    from rllib_envs.streaming_engine.problem import StreamingEngine


def decode_with(
    problem: StreamingEngine,
    task: Task,
    episodes: int,
    choose: Choose,
    horizon: int | None = None,
    completed: bool = False,
) -> Decoded:
    """Build that many mappings.

    Args:
        horizon: that of the policy's training, by default the problem's own.
        completed: answer with the best of what each episode's states stand for, and not with its last alone. A policy
            that was rewarded for the best state on its way has learnt to decide where there was something to win.
    """
    best: list[Decoded] = []
    spokes, horizon = task.device.spokes, horizon or problem.horizon

    def decide(scene: Scene) -> np.ndarray:
        roots = sum(not task.graph.predecessors[node] for node in scene.at.placed)
        decisions = scene.at.step + roots + (not scene.at.predecessors and not scene.choosing_spoke)
        legal = np.zeros((scene.batch, len(problem.actions)), bool)
        legal[:, : len(scene.legal)] = scene.legal.T
        chosen = choose(policy_input_batch(problem.observe_batch(scene), 1 - decisions / horizon, legal))
        return np.where(legal.any(axis=1), chosen, 0)

    def candidate(decoder: Decoder, candidates: Candidates) -> np.ndarray:
        if completed:
            best[:] = [_better(best, _completion(decoder))]
        placed = task, decoder.step, decoder.tiles.astype(np.int64), decoder.starts.astype(np.int64)
        taken = decoder.taken.astype(np.uint64)
        if task.graph.predecessors[candidates.node]:
            return decide(Scene(*placed, taken, candidates.starts.astype(np.int64), candidates.legal))
        legal = candidates.legal.reshape(task.device.tiles, spokes, -1)
        turns = np.broadcast_to(np.arange(spokes)[:, None], legal.shape[1:])
        turn = decide(Scene(*placed, taken, turns, np.asarray(legal.any(axis=0)), choosing_spoke=True))
        when = np.broadcast_to(turn, (task.device.tiles, decoder.batch))
        legal_tiles = np.take_along_axis(legal, turn[None, None], axis=1)[:, 0]
        return np.asarray(decide(Scene(*placed, taken, when, legal_tiles)) * spokes + turn)

    last = decode(task, episodes, candidate, look_ahead=bool(problem.config["look_ahead"]))
    return _better(best, last)


def _completion(decoder: Decoder) -> Decoded:
    """What plain list scheduling makes of each mapping."""
    decoder, tiles = decoder.copy(), decoder.task.device.tiles
    rank = make_traits(decoder.task).centrality.astype(np.int64)
    while not decoder.finished and decoder.alive.any():
        candidates = decoder.candidates()
        order = candidates.starts.astype(np.int64) * tiles + rank[candidates.tiles][:, None]
        decoder.place(candidates, np.where(candidates.legal, order, np.iinfo(np.int64).max).argmin(axis=0))
    return decoder.result()


def _better(before: list[Decoded], now: Decoded) -> Decoded:
    """For each episode the faster of two mappings."""
    if not before:
        return now
    (known,) = before
    wins = now.complete & (~known.complete | (now.makespans < known.makespans))
    return Decoded(*(np.where(wins, new, old) for new, old in zip(now, known, strict=True)))
