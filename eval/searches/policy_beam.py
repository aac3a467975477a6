"""Beam search that a policy guides: it proposes what to try, and decides with the measurements what is kept.

Widened again and again as in complete anytime beam search (Zhang 1998, AAAI), so that there is an answer early and the
whole budget is used.
"""

from __future__ import annotations

import numpy as np

from eval.searches.merit import best_of
from eval.searches.policy import ActingPolicy
from eval.searches.policy_tree import Fork, PolicyTree
from eval.trial import Trial


def policy_beam(policy: ActingPolicy, trial: Trial, rng: np.random.Generator) -> None:
    """Beam searches of width 1, 2, 4, ... until the budget ends or nothing is left out any more.

    A beam of width w tries the w likeliest actions of each node that it has kept. Of the level, it keeps half by value
    and half by how likely the policy is to go that way: a measurement knows what pays now, the policy what will pay
    some actions later. So the first beam is the policy's own episode, which is in all the others, too. What an earlier
    beam has asked or measured costs the next one nothing.
    """
    tree, width = PolicyTree(policy, trial), 1
    while _left_out(tree, trial, width):
        width *= 2


def _left_out(tree: PolicyTree, trial: Trial, width: int) -> bool:
    """One beam search, and whether a wider one would see more."""
    trial.evaluate(trial.root)  # known; it ends the search where the budget has
    likelihood, kept, left_out = {tree.root: 1.0}, [tree.root], False
    seen = {trial.root.state}
    while kept := [fork for fork in kept if not fork.over]:
        level: dict[Fork, float] = {}
        for fork, probabilities in zip(kept, tree.ask(kept), strict=True):
            likely = np.argsort(-probabilities, kind="stable")[:width].tolist()
            left_out |= bool(np.count_nonzero(probabilities) > width)
            for action in likely:
                child = tree.follow(fork, action) if probabilities[action] > 0 else None
                if child is not None and child.node.state not in seen:
                    seen.add(child.node.state)
                    level[child] = likelihood[fork] * probabilities[action]
        left_out |= len(level) > width
        likelihood, kept = level, _kept(trial, sorted(level, key=level.__getitem__, reverse=True), width)
    return left_out


def _kept(trial: Trial, likeliest_first: list[Fork], width: int) -> list[Fork]:
    """The best half by value, and the likeliest of the others."""
    by_node = {fork.node: fork for fork in likeliest_first}
    by_value = best_of(trial, by_node, len(by_node))
    best = by_value[: width // 2]
    others = [node for node in by_node if node in by_value and node not in best]
    return [by_node[node] for node in best + others[: width - len(best)]]
