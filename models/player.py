"""From what is seen to what is done: a policy in one episode, or in several at once, on one thread and without Ray."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.batches import Batch, batched
from models.forward import Forward
from rllib_envs.errors import IllegalAction

Q_TEMPERATURE = 0.02
"""Sampling from action values: an action that promises this much less return is drawn 1/e as often. The unit is the
benchmark's scale; differences below it are within what an action value is off by."""

Memory = np.ndarray | None
"""float32 [width]: what a recurrent network remembers of an episode. None at its start, and with other networks."""

Question = Callable[[Batch, Memory], tuple[np.ndarray, Memory]]
"""One that `models.forward.Forward` answers."""


class Judgement(NamedTuple):
    """What a policy thinks of a state."""

    probabilities: np.ndarray
    """float64 [actions]: how likely each is to be drawn, 0 where it is illegal. The best one's is the highest."""
    value: float
    """The return that is expected from here on, in units of the benchmark's scale."""


class Player:
    """Decides step by step. A recurrent network remembers what it was shown, so show it each state once, in order."""

    def __init__(self, forward: Forward, *, values: bool) -> None:
        """`values`: the network's scores are expected returns; otherwise log-probabilities."""
        self._forward = forward
        self._values = values
        self._memory: np.ndarray | None = None

    def scores(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """float32 [actions]: log-probabilities or expected returns; illegal actions are -inf.

        `inputs` is what `rllib_envs.policy_input.policy_input` returns for one state, the episode's next.
        """
        scores = self._ask(self._forward.scores, inputs)
        if not self._values:
            scores = scores - (scores.max() + np.log(np.exp(scores - scores.max()).sum()))
        return np.where(inputs["action_mask"] > 0, scores, np.float32(-np.inf))

    def act(self, inputs: Mapping[str, np.ndarray], rng: np.random.Generator | None = None) -> int:
        """The best legal action; with `rng`, one drawn in proportion to what the policy thinks of it.

        Raises IllegalAction when nothing is legal, which means that the episode is over.
        """
        scores = self._ask(self._forward.preferences, inputs)
        best = _best_legal(scores, inputs)
        return best if rng is None else int(rng.choice(len(scores), p=as_probabilities(scores, self._values)))

    def judge(self, inputs: Mapping[str, np.ndarray]) -> Judgement:
        """All that the network says of the episode's next state. Raises IllegalAction as `act` does."""
        scores = self._ask(self._forward.scores, inputs)
        best = _best_legal(scores, inputs)
        value = scores[best] if self._values else self._forward.value(batched([inputs]))[0]
        return Judgement(as_probabilities(scores, self._values), float(value))

    def _ask(self, question: Question, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        scores, self._memory = question(batched([inputs]), self._memory)
        first: np.ndarray = scores[0]
        return first


def probabilities_of(
    forward: Forward, inputs: Sequence[Mapping[str, np.ndarray]], memories: Sequence[Memory], *, values: bool
) -> tuple[np.ndarray, Sequence[Memory]]:
    """Of one state in each of several episodes, how likely each action is to be drawn, float64 [states, actions], and
    what each episode remembers after it. `values` as in `Player`."""
    scores, after = forward.preferences(batched(inputs), _joined(memories))
    return as_probabilities(scores, values), [None] * len(inputs) if after is None else list(after)


def as_probabilities(scores: np.ndarray, values: bool) -> np.ndarray:
    """float64 of the same shape: how likely each action is to be drawn. `values` as in `Player`."""
    scaled = scores.astype(np.float64) / (Q_TEMPERATURE if values else 1.0)
    weights = np.exp(scaled - scaled.max(-1, keepdims=True))
    found: np.ndarray = weights / weights.sum(-1, keepdims=True)
    return found


def _best_legal(scores: np.ndarray, inputs: Mapping[str, np.ndarray]) -> int:
    best = int(scores.argmax())
    if not inputs["action_mask"][best]:  # illegal ones are at the bottom: where one is the best, none is legal
        raise IllegalAction("no action is legal in this state: the solution is complete")
    return best


def _joined(memories: Sequence[Memory]) -> Memory:
    """float32 [episodes, width], or None where all of them are at their start."""
    width = next((len(memory) for memory in memories if memory is not None), None)
    if width is None:
        return None
    return np.stack([np.zeros(width, np.float32) if memory is None else memory for memory in memories])
