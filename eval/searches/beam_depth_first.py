"""Beam search, depth first: the best child is followed down to the horizon before the next best is tried.

What LoopTune (Grubisic et al. 2023, arXiv:2309.01825) compares itself with as its depth-first beams, ranked by value.
"""

from __future__ import annotations

import numpy as np

from eval.searches.merit import best_of
from eval.trial import Node, Trial


def beam_depth_first(trial: Trial, rng: np.random.Generator, *, width: int) -> None:
    """Evaluate every child of a node and go on with the best `width` of them, the best first and each to its end.

    It has an answer from far down early, where the breadth-first beam has compared more by then, and comes back from a
    wrong turn near the end first. A state is left out where it was met before by as few actions: nothing can follow
    that could not follow then. All of it takes some width^horizon expansions, so the budget mostly ends it.
    """
    waiting, reached = [trial.root], {trial.root.state: 0}
    while waiting:
        node = waiting.pop()
        depth = len(node.actions) + 1
        children: list[Node] = []
        for action in trial.moves(node):
            child = trial.step(node, action)
            if reached.get(child.state, depth + 1) > depth:
                reached[child.state] = depth
                children.append(child)
        waiting += reversed(best_of(trial, children, width))
