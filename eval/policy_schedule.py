"""A policy as a scheduler of applications that share a stem: some episodes in lockstep, the best of what they meet.

Each state of an episode stands for a whole schedule, and the first one for the greedy scheduler's. So no answer is
worse than that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.problem import StemSharing
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.task import Task
from rllib_envs.tuning_env import policy_input

if TYPE_CHECKING:
    from models.policy import Policy

EPISODES = 16


def schedule(policy: Policy, task: Task, *, episodes: int = EPISODES, seed: int = 0) -> Schedule:
    """The best schedule that so many episodes meet: the policy's best decisions, and others drawn from it.

    The same seed gives the same schedule. Raises TooLittle, and UserError for a policy of another problem and for what
    its problem can't show it.
    """
    from models.decisions import act_in_all
    from models.forward import batched

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
        steps_left = 1 - step / policy.horizon
        inputs = batched([policy_input(problem, state, steps_left) for state in states])
        places = [states.index(state) for state in playing]
        actions = act_in_all(policy, {name: array[places] for name, array in inputs.items()}, rng)
        actions[0] = act_in_all(policy, {name: array[places[:1]] for name, array in inputs.items()})[0]
        playing = [problem.apply(state, action) for state, action in zip(playing, actions.tolist(), strict=True)]
        best = min((best, *dict.fromkeys(playing)), key=lambda state: problem.evaluate(state).value)
        step += 1
    return problem.answer(best)
