"""A policy as a scheduler of applications that share a stem: some episodes in lockstep, the best of what they meet.

Each state of an episode stands for a whole schedule, and the first one for the greedy scheduler's. So no answer is
worse than that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.policy_input import policy_input_batch
from rllib_envs.stem_sharing.problem import StemSharing
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.task import Task

if TYPE_CHECKING:
    from models.policy import Policy

EPISODES = 16


def schedule(policy: Policy, task: Task, *, episodes: int = EPISODES, seed: int = 0) -> Schedule:
    """The best schedule that so many episodes meet: the policy's best decisions, and others drawn from it.

    The same seed gives the same schedule. Raises TooLittle, and UserError for a policy of another problem and for what
    its problem can't show it.
    """
    from models.decisions import drawn, preferences_in_all

    problem = policy.make_problem()
    if not isinstance(problem, StemSharing):
        raise UserError(f"this is a policy for problem {policy.problem!r}, not for {StemSharing.name!r}")
    if task.rates != replace(task, rates=()).rates:
        raise UserError("policies choose whole frames per second; these applications need less: schedule them exactly")
    rng = np.random.default_rng(seed)
    best = problem.initial(task.to_benchmark("task"))
    playing, step = [best] * episodes, 0
    while not playing[0].finished:
        states = list(dict.fromkeys(playing))
        places = {state: index for index, state in enumerate(states)}
        seen, legal = problem.observe_batch(states), np.array([problem.legal(state) for state in states])
        preferences = preferences_in_all(policy, policy_input_batch(seen, 1 - step / policy.horizon, legal))
        best = min((best, *states), key=problem.loss)
        wanted = preferences[[places[state] for state in playing]]
        actions = [int(wanted[0].argmax()), *drawn(wanted[1:], rng).tolist()]
        moves = list(zip(playing, actions, strict=True))
        after = {move: problem.apply(*move) for move in dict.fromkeys(moves)}
        playing = [after[move] for move in moves]
        step += 1
    return problem.answer(min((best, *playing), key=problem.loss))
