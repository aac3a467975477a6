"""Greedy search with a look-ahead of one or more actions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eval.trial import Node, Trial


def greedy(trial: Trial, rng: np.random.Generator, *, look_ahead: int) -> None:
    """Try every path of up to `look_ahead` actions, take the first action of the best one, and repeat.

    It ends when no path leads to a better value than that of the node it is at. Values decide, and on equal
    values the shorter path does, which a breadth-first order finds first.
    """
    here = trial.root
    while True:
        goal, best = here, trial.evaluate(here)
        for node in _within(trial, here, look_ahead):
            evaluation = trial.evaluate(node)
            if evaluation.better_than(best):
                goal, best = node, evaluation
        if goal is here:
            return
        here = trial.step(here, goal.actions[len(here.actions)])


def _within(trial: Trial, root: Node, depth: int) -> Iterator[Node]:
    """The nodes up to `depth` actions away, nearest first, each state once."""
    level, seen = [root], {root.state}
    for _ in range(depth):
        reached = []
        for node in level:
            for action in trial.moves(node):
                child = trial.step(node, action)
                if child.state not in seen:
                    seen.add(child.state)
                    reached.append(child)
                    yield child
        level = reached
