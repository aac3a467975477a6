"""A policy as a solver of mapping tasks: its best decisions once, then many sampled episodes in lockstep.

It answers as every solver does, so that each of its times has been found again by the scalar evaluator. What it finds
can be polished by annealing that begins there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine import annealing
from rllib_envs.streaming_engine.bounds import bounds
from rllib_envs.streaming_engine.lockstep import decode_with
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.problem import StreamingEngine
from rllib_envs.streaming_engine.solved import Progress, Solved
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task

if TYPE_CHECKING:
    from models.policy import Policy

EPISODES = 256
"""Sampled together at most."""
ROUND_CELLS = 16_384
"""Candidates shown to the network at once at most: what it makes of them stays below 100 MB."""
STARTS = 32
"""Mappings sampled for annealing to go on from: it makes more of the time than sampling does."""
FIRST_ROUND = 8
"""Episodes sampled together at first; each round has twice as many as the one before, so that none takes too long."""


def solve(
    policy: Policy,
    task: Task,
    seconds: float,
    rng: np.random.Generator,
    *,
    episodes: int | None = None,
    polish: bool = False,
) -> Solved:
    """The best mapping that the policy finds in time. UserError for a policy of another problem or a larger device.

    Args:
        episodes: the most to be played, the first of which takes the best decisions.
        polish: sample a few mappings only, and let annealing go on from them for the rest of the time.
    """
    problem = problem_for(policy, task)
    progress = Progress(task, seconds, episodes)
    conflicts = conflicts_seen(task)
    if conflicts:
        return progress.answer(0, infeasible=True, conflicts=conflicts)
    lowest = bounds(task).makespan
    if polish:
        begun = play(progress, policy, problem, min(STARTS, episodes or STARTS, round_size(task)), rng, completed=False)
        if progress.makespan != lowest and progress.left:
            polished = annealing.solve(task, progress.left, rng, others=begun)
            if polished.mapping is not None and polished.makespan is not None:
                progress.offer(polished.mapping, polished.makespan)
        return progress.answer(lowest)
    play(progress, policy, problem, 1, None)
    together = FIRST_ROUND
    while progress.share < 1 and progress.makespan != lowest:
        left = EPISODES if episodes is None else episodes - progress.evaluations
        play(progress, policy, problem, min(left, together, round_size(task)), rng)
        together *= 2
    return progress.answer(lowest)


def problem_for(policy: Policy, task: Task) -> StreamingEngine:
    """The policy's own problem. UserError where it is another one, or the task's device doesn't fit."""
    problem = policy.make_problem()
    if not isinstance(problem, StreamingEngine):
        raise UserError(f"this is a policy for problem {policy.problem!r}, not for {StreamingEngine.name!r}")
    problem.initial(task.to_benchmark("task"))
    return problem


def play(
    progress: Progress,
    policy: Policy,
    problem: StreamingEngine,
    episodes: int,
    rng: np.random.Generator | None,
    completed: bool = True,
) -> list[Mapping]:
    """Offer the best of so many episodes, sampled with `rng`, or of the best decisions without; returns all mappings.

    `completed` as for `decode_with`: it finds more, and takes twice the time.
    """
    from models.decisions import act_in_all

    decoded = decode_with(
        problem,
        progress.task,
        episodes,
        lambda inputs: act_in_all(policy, inputs, rng),
        policy.horizon,
        completed=completed,
    )
    progress.evaluations += episodes
    done = np.flatnonzero(decoded.complete)
    order = done[np.argsort(decoded.makespans[done], kind="stable")].tolist()
    found = [decoded.mapping(one) for one in order]
    if found:
        progress.offer(found[0], int(decoded.makespans[order[0]]))
    return found


def round_size(task: Task) -> int:
    """Episodes that are sampled together."""
    return max(1, min(EPISODES, ROUND_CELLS // task.device.tiles))
