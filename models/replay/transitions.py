"""Episodes as n-step transitions, the last steps of each included.

RLlib 2.60's own buffer never starts an n-step return in an episode's last n - 1 steps. In an episode of ten steps
those are the states that all other values are estimated from, and it would leave them untrained.

Observations are arrays or nested dictionaries of arrays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import tree

Q_TAKEN, Q_BEST = "q_taken", "q_best"
"""Names of a module's extra outputs: the value of the action taken, and of the best action."""
N_STEP = "n_step"
"""Column of a batch: the number of steps that a reward is the sum of."""


class Steps(NamedTuple):
    """A stretch of one episode of T steps."""

    observations: Any
    """Arrays of T + 1 rows: one before each step, and the one after the last."""
    actions: np.ndarray
    """int64 [T]."""
    rewards: np.ndarray
    """float32 [T]."""
    q_taken: np.ndarray
    """float32 [T]: what the acting network expected of the action taken."""
    q_best: np.ndarray
    """float32 [T]: what it expected of the best action."""

    @classmethod
    def of(cls, fragment: Any) -> Steps:
        """From an RLlib `SingleAgentEpisode` whose module returned the values of its actions, too."""
        return cls(
            observations=fragment.get_observations(),
            actions=np.asarray(fragment.get_actions(), np.int64),
            rewards=np.asarray(fragment.get_rewards(), np.float32),
            q_taken=np.asarray(fragment.get_extra_model_outputs(Q_TAKEN), np.float32),
            q_best=np.asarray(fragment.get_extra_model_outputs(Q_BEST), np.float32),
        )

    def followed_by(self, later: Steps) -> Steps:
        """The two stretches as one; `later` begins with the observation that this one ends with."""
        joined = tree.map_structure(
            lambda ours, theirs: np.concatenate([ours[:-1], theirs]), self.observations, later.observations
        )
        return Steps(joined, *map(np.append, self[1:], later[1:]))

    def last(self, count: int) -> Steps:
        """The last `count` steps, copied so that the others can be freed."""
        begin = len(self.actions) - count
        observations = tree.map_structure(lambda array: array[begin:].copy(), self.observations)
        return Steps(observations, *(array[begin:].copy() for array in self[1:]))


class Transitions(NamedTuple):
    """What a Q-network learns from; every array has one row for each transition."""

    obs: Any
    new_obs: Any
    """The state up to n steps later."""
    actions: np.ndarray
    rewards: np.ndarray
    """float32: discounted sum of the rewards between the two states."""
    terminateds: np.ndarray
    """bool: the episode terminated between them, so nothing is to be expected of `new_obs`."""
    n_step: np.ndarray
    """float32: the number of steps between them; fewer than n at the end of an episode."""
    priorities: np.ndarray
    """float32: the acting network's TD error, |R + discount^n max_a Q(new_obs, a) - Q(obs, action)|."""

    def __len__(self) -> int:  # type: ignore[override]
        return len(self.actions)

    def last(self, count: int) -> Transitions:
        """The last `count` of them."""
        if len(self) <= count:
            return self
        return Transitions(*(tree.map_structure(lambda array: array[-count:], field) for field in self))

    @staticmethod
    def joined(parts: list[Transitions]) -> Transitions:
        """Those of several episodes as one."""
        joined: Transitions = tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)
        return joined


def n_step_transitions(steps: Steps, n: int, discount: float, *, done: bool, terminated: bool) -> Transitions:
    """One transition from each step whose n-step return is known, up to the end of `steps`.

    Those are all when the episode is `done`, and all but the last n otherwise. An episode that is done without being
    `terminated` was truncated: its last state still has a value.

    That last state was never acted in, so the acting network's value of it is not known. The priorities, and only
    they, take its value of the state before instead.
    """
    length = len(steps.actions)
    start = np.arange(length if done else max(length - n, 0))
    end = np.minimum(start + n, length)
    padded = np.append(steps.rewards, np.zeros(n, np.float32))
    rewards = sum((discount**k * padded[start + k] for k in range(n)), np.zeros(len(start)))
    ends = (end == length) & terminated
    expected = np.where(ends, 0.0, discount ** (end - start) * steps.q_best[np.minimum(end, length - 1)])
    return Transitions(
        obs=tree.map_structure(lambda array: array[start], steps.observations),
        new_obs=tree.map_structure(lambda array: array[end], steps.observations),
        actions=steps.actions[start],
        rewards=rewards.astype(np.float32),
        terminateds=ends,
        n_step=(end - start).astype(np.float32),
        priorities=np.abs(rewards + expected - steps.q_taken[start]).astype(np.float32),
    )


class EpisodeAssembler:
    """Joins the fragments that environment runners hand out, and keeps the steps whose return is not known yet."""

    def __init__(self, n: int, discount: float) -> None:
        self.n = n
        self.discount = discount
        self._unfinished: dict[Any, Steps] = {}

    def __call__(self, fragments: Iterable[Any]) -> Transitions | None:
        """The transitions that these fragments (RLlib's `SingleAgentEpisode`) complete; None when there is none."""
        made = []
        for fragment in fragments:
            steps = Steps.of(fragment)
            before = self._unfinished.pop(fragment.id_, None)
            if before is not None:
                steps = before.followed_by(steps)
            transitions = n_step_transitions(
                steps, self.n, self.discount, done=fragment.is_done, terminated=fragment.is_terminated
            )
            if not fragment.is_done:
                self._unfinished[fragment.id_] = steps.last(min(self.n, len(steps.actions)))
            if len(transitions):
                made.append(transitions)
        return Transitions.joined(made) if made else None

    def forget(self, episode: Any = None) -> None:
        """Drop this unfinished episode, or all, because it will not be continued."""
        if episode is None:
            self._unfinished.clear()
        else:
            self._unfinished.pop(episode, None)
