"""A trained policy as a search: it decides, and what it visits is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from eval.trial import Trial
from rllib_envs.problem import STOP, PolicyInput


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

    def probabilities(self, inputs: Sequence[PolicyInput], memories: Sequence[Any]) -> tuple[np.ndarray, Sequence[Any]]:
        """float64 [states, actions] for one state in each of several episodes, and what is remembered after it.
        `memories` is that of the step before, None at an episode's start."""
        ...


def policy_greedy(policy: ActingPolicy, trial: Trial, rng: np.random.Generator) -> None:
    """Follow the policy's best action once, from the untuned state to the end of the episode.

    It decides without knowing any measurement, so it decides on all of its way first and then measures it. In turns,
    each decision takes two to four times as long, because what measuring does in between empties the caches.
    """
    node, player, way = trial.root, policy.start(), []
    while trial.moves(node):
        action = player.act(trial.policy_input(node))
        if trial.problem.actions[action] == STOP:
            break
        node = trial.step(node, action)
        way.append(node)
    for node in way:
        trial.evaluate(node)
