"""A trained policy as a search: it decides, and what it visits is measured."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from eval.trial import Trial
from rllib_envs.problem import STOP
from rllib_envs.tuning_env import PolicyInput


class Player(Protocol):
    """A policy in one episode. `models.player.Player` is one."""

    def act(self, inputs: PolicyInput, rng: np.random.Generator | None = None) -> int:
        """The index of a legal action: the best one, or one drawn by probability when `rng` is given."""
        ...


class ActingPolicy(Protocol):
    """What is needed of a policy. `models.policy.Policy` is one."""

    def start(self) -> Player:
        """The policy at the start of an episode, to be asked once at each of its steps."""
        ...


def policy_greedy(policy: ActingPolicy, trial: Trial, rng: np.random.Generator) -> None:
    """Follow the policy's best action once, from the untuned state to the end of the episode."""
    _episode(policy, trial, None)


def policy_sampled(policy: ActingPolicy, trial: Trial, rng: np.random.Generator) -> None:
    """Follow the best actions once, then play sampled episodes until the budget ends."""
    _episode(policy, trial, None)
    while True:
        _episode(policy, trial, rng)


def _episode(policy: ActingPolicy, trial: Trial, rng: np.random.Generator | None) -> None:
    node, player = trial.root, policy.start()
    trial.evaluate(node)  # known; it ends endless sampling where the policy stops at once
    while trial.moves(node):
        action = player.act(trial.policy_input(node), rng)
        if trial.problem.actions[action] == STOP:
            return
        node = trial.step(node, action)
        trial.evaluate(node)
