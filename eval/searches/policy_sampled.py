"""Best of many episodes that are drawn from a policy, each at most once.

Drawing without replacement as in Shi, Bieber and Sutton 2020 (arXiv:2002.09067): what was played is taken out of the
probabilities. A policy that is sure of itself would otherwise play the same few episodes until the budget ends.
"""

from __future__ import annotations

import numpy as np

from eval.searches.policy import ActingPolicy
from eval.searches.policy_tree import Fork, PolicyTree
from eval.trial import Trial

FEWEST, MOST = 4, 64
"""Episodes played side by side, so that the policy decides in all of them at once: few at first, for nothing is
measured before they are played, and then ever more."""

Episode = list[tuple[Fork, int]]
"""Its decisions: where, and what."""


def policy_sampled(policy: ActingPolicy, trial: Trial, rng: np.random.Generator) -> None:
    """Follow the best actions once, then play sampled episodes until the budget ends or all have been played."""
    unplayed = Unplayed(PolicyTree(policy, trial))
    _measure(trial, unplayed.episodes(1, None))
    count = FEWEST
    while unplayed.any_left:
        _measure(trial, unplayed.episodes(count, rng))
        count = min(2 * count, MOST)


def _measure(trial: Trial, episodes: list[Episode]) -> None:
    trial.evaluate(trial.root)  # known; it ends the search where all that is played is
    for episode in episodes:
        for fork, action in episode:
            child = fork.children[action]
            if child is not None and not child.measured:
                trial.evaluate(child.node)
                child.measured = True


class Unplayed:
    """The episodes that have not been played yet, by how likely the policy plays each."""

    def __init__(self, tree: PolicyTree) -> None:
        self._tree = tree
        self._left: dict[Fork, list[float]] = {}
        """The probability of each action, as far as what can follow on it was not played."""

    @property
    def any_left(self) -> bool:
        root = self._tree.root
        return not root.over and self._share(root) > 0

    def episodes(self, count: int, rng: np.random.Generator | None) -> list[Episode]:
        """Draw episodes and take them out; by the likeliest actions without `rng`. Two of one call may be the same."""
        root = self._tree.root
        played: list[Episode] = [[] for _ in range(count)]
        going = [(root, episode) for episode in played if not root.over]
        while going:
            actions = self._choose([fork for fork, _ in going], rng)
            present, going = going, []
            for (fork, episode), action in zip(present, actions, strict=True):
                episode.append((fork, action))
                child = self._tree.follow(fork, action)
                if child is not None and not child.over:
                    going.append((child, episode))
        for episode in played:
            self._take_out(episode)
        return played

    def _choose(self, forks: list[Fork], rng: np.random.Generator | None) -> list[int]:
        for fork, probabilities in zip(forks, self._tree.ask(forks), strict=True):
            if fork not in self._left:
                self._left[fork] = probabilities.tolist()
        weights = np.array([self._left[fork] for fork in forks])
        if rng is not None:  # of exponential clocks, each is the first to ring in proportion to its rate
            weights = weights / weights.sum(axis=1, keepdims=True) / rng.standard_exponential(weights.shape)
        chosen: list[int] = weights.argmax(axis=1).tolist()
        return chosen

    def _share(self, fork: Fork) -> float:
        return sum(self._left[fork]) if fork in self._left else 1.0

    def _take_out(self, episode: Episode) -> None:
        """An episode's last decision is played out; each before it as far as what follows on it is."""
        for fork, action in reversed(episode):
            child = fork.children[action]
            share = 0.0 if child is None or child.over else self._share(child)
            self._left[fork][action] = float(fork.judged.probabilities[action]) * share
