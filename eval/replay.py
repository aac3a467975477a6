"""A policy's episode on one benchmark, to be looked at: what it thought at each step, and what came of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from eval.budget import Budget
from eval.trial import Node, Trial
from models.policy import Policy
from rllib_envs.problem import STOP, Benchmark, Evaluation, Problem

STOPPED = "the policy stopped"
LAST_STEP = "the last step was made"
COMPLETE = "no action was left"


class Step(NamedTuple):
    """One decision."""

    probabilities: dict[str, float]
    """Of the legal actions, the likeliest first. That one is taken."""
    value: float
    """The return that the policy expected before it acted, in units of the evaluation's scale."""
    evaluation: Evaluation | None
    """Of the state that it led to; None where the policy stopped."""

    @property
    def action(self) -> str:
        return next(iter(self.probabilities))


class Replay(NamedTuple):
    """An episode."""

    benchmark: Benchmark
    start: Evaluation
    steps: tuple[Step, ...]
    ended: str
    """Why there are no more: `STOPPED`, `LAST_STEP` or `COMPLETE`."""
    best: Node
    """The best state on the way, which is the answer."""

    def still_to_gain(self) -> list[float]:
        """What each step's `value` should have been: by how much the best state so far was improved on from there."""
        so_far, known = self.start, [self.start]
        for step in self.steps:
            if step.evaluation is not None and step.evaluation.better_than(so_far):
                so_far = step.evaluation
            known.append(so_far)
        return [so_far.gain_over(before) if before.verified else float("nan") for before in known[:-1]]


def replay(policy: Policy, problem: Problem[Any], benchmark: Benchmark, horizon: int) -> Replay:
    """Follow the policy's best action from the untuned state to the end of the episode, of `horizon` steps at most, and
    measure each state on the way: what the search `policy` does."""
    trial = Trial(problem, benchmark, Budget(evaluations=horizon + 2), horizon=horizon)  # more than there can be
    node, player, steps, stopped = trial.root, policy.start(), [], False
    while not stopped and trial.moves(node):
        inputs = trial.policy_input(node)
        judged = player.judge(inputs)
        ranked = np.argsort(-judged.probabilities, kind="stable").tolist()
        likely = [index for index in ranked if inputs["action_mask"][index]]
        probabilities = {problem.actions[index]: float(judged.probabilities[index]) for index in likely}
        stopped = problem.actions[likely[0]] == STOP
        node = node if stopped else trial.step(node, likely[0])
        steps.append(Step(probabilities, judged.value, None if stopped else trial.evaluate(node)))
    ended = STOPPED if stopped else LAST_STEP if len(node.actions) == horizon else COMPLETE
    return Replay(benchmark, trial.start, tuple(steps), ended, trial.best)
