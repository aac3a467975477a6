"""Our modules acting without PyTorch, whose overhead is most of what a small network's forward pass takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ray.rllib.core.columns import Columns

from models.batches import batched
from models.exploration import EpsilonGreedyQ
from models.numpy_forward.networks import NumpyForward
from models.replay.transitions import Q_BEST, Q_TAKEN
from models.rl_modules import MEMORY, MaskedActorCritic, MaskedQ
from models.runners.acting import Arrays, Decisions

MOST_ROWS = 8
"""Up to so many observations at once it is faster than PyTorch: twice for all of 8, four to five times for one."""


class NumpyActor:
    """See `models.runners.acting.Actor`: as the module decides with the weights that it has when this is made.

    Random numbers come from NumPy's global generator, whose state is part of checkpoints.
    """

    def __init__(self, module: MaskedQ | MaskedActorCritic) -> None:
        self._module, self._forward = module, NumpyForward(module.network)

    @staticmethod
    def knows(module: Any) -> bool:
        """Whether it can act for the module, on the processor."""
        return isinstance(module, MaskedQ | MaskedActorCritic) and NumpyForward.knows(module.network)

    def decide(
        self, observations: Sequence[Any], states: Sequence[Arrays] | None, explore: bool, **kwargs: Any
    ) -> Decisions:
        batch = batched(observations)
        memory = np.array([state[MEMORY] for state in states]) if states else None
        scores, memory = self._forward.scores(batch, memory)
        after = {} if memory is None else {MEMORY: memory}
        if isinstance(self._module, EpsilonGreedyQ):
            actions, extra = _by_values(scores, batch["action_mask"], self._epsilon(**kwargs) if explore else None)
        else:
            actions, extra = _by_chance(scores, explore)
        return Decisions(actions.tolist(), extra, after)

    def _epsilon(self, t: int = 0, epsilon: np.ndarray | None = None) -> float | np.ndarray:
        return self._module.epsilon_at(t) if epsilon is None else epsilon


def _by_values(
    values: np.ndarray, action_mask: np.ndarray, epsilon: float | np.ndarray | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The best of each row, or with probability `epsilon` any legal one."""
    rows = np.arange(len(values))
    actions = values.argmax(-1)
    best = values[rows, actions]
    if epsilon is not None:
        for row in np.flatnonzero(np.random.random(len(values)) < epsilon):
            legal = np.flatnonzero(action_mask[row])
            # After an episode's last step nothing may be legal; the action is never played, but it has to be drawn.
            actions[row] = np.random.choice(legal if len(legal) else values.shape[1])
    return actions, {Q_TAKEN: values[rows, actions], Q_BEST: best}


def _by_chance(scores: np.ndarray, explore: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A draw from each row's distribution, by the Gumbel-max trick, or its likeliest action."""
    actions = (scores + np.random.gumbel(size=scores.shape) if explore else scores).argmax(-1)
    best = scores.max(-1)
    total = best + np.log(np.exp(scores - best[:, None]).sum(-1))
    return actions, {
        Columns.ACTION_DIST_INPUTS: scores,
        Columns.ACTION_LOGP: scores[np.arange(len(scores)), actions] - total,
    }
