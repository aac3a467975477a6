"""The tree of what a policy could do in one search. Each fork is reached, and the policy asked about it, once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from eval.searches.policy import ActingPolicy
from eval.trial import Node, Trial
from rllib_envs.problem import STOP


class Judged(NamedTuple):
    probabilities: np.ndarray
    memory: Any
    """What the policy remembers with this step."""


UNJUDGED = Judged(np.empty(0), None)


@dataclass(eq=False, slots=True)
class Fork:
    """A node where the policy has to decide, unless the episode is over there."""

    node: Node
    over: bool
    """Whether nothing is left to decide."""
    remembered: Any
    """By the policy, of the way to here."""
    judged: Judged = UNJUDGED
    """What the policy thinks here."""
    children: dict[int, Fork | None] = field(default_factory=dict)
    measured: bool = False
    """Whether the node was: a search that comes back here has nothing to ask."""


class PolicyTree:
    """A policy's decisions from the untuned state on."""

    def __init__(self, policy: ActingPolicy, trial: Trial) -> None:
        self._policy = policy
        self._trial = trial
        self._judged: dict[Hashable, Judged] = {}
        self.root = Fork(trial.root, not trial.moves(trial.root), None)

    def ask(self, forks: Sequence[Fork]) -> list[np.ndarray]:
        """float64 [actions]: what the policy thinks at each fork. None of them may be over. What is new to the policy
        is judged in one pass. Raises BudgetSpent, since many passes may lie between two evaluations."""
        self._trial.check_budget()
        unjudged = [(self._seen(fork), fork) for fork in forks if fork.judged is UNJUDGED]
        new = {seen: fork for seen, fork in unjudged if seen not in self._judged}
        if new:
            inputs = [self._trial.policy_input(fork.node) for fork in new.values()]
            answers = self._policy.probabilities(inputs, [fork.remembered for fork in new.values()])
            self._judged.update(zip(new, map(Judged, *answers), strict=True))
        for seen, fork in unjudged:
            fork.judged = self._judged[seen]
        return [fork.judged.probabilities for fork in forks]

    @staticmethod
    def _seen(fork: Fork) -> Hashable:
        """All that the policy's answer depends on: the state and the steps left, or the way where it remembers that."""
        return (fork.node.state, len(fork.node.actions)) if fork.remembered is None else fork.node.actions

    def follow(self, fork: Fork, action: int) -> Fork | None:
        """What an action leads to, from a fork that was asked about; None behind `STOP`."""
        if action not in fork.children:
            fork.children[action] = None if self._trial.problem.actions[action] == STOP else self._child(fork, action)
        return fork.children[action]

    def _child(self, fork: Fork, action: int) -> Fork:
        node = self._trial.step(fork.node, action)
        return Fork(node, not self._trial.moves(node), fork.judged.memory)
